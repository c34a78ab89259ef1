"""`modelet new`."""

from __future__ import annotations

import shlex

import click

from modelet.backends import BACKENDS, DEFAULT
from modelet.dev.cli.command import command, current_project
from modelet.dev.cli.output import hint, say


@command("modelet new churn\nmodelet new review-sentiment --backend sklearn")
@click.argument("name")
@click.option(
    "--backend",
    type=click.Choice(list(BACKENDS)),
    default=DEFAULT,
    show_default=True,
    help=" ".join(f"{record.name}: {record.summary}." for record in BACKENDS.values()),
)
def new(name: str, backend: str) -> None:
    """Create a model: a folder, its sample events and its test.

    The new model passes `make check` and can be published and served at once. No file is overwritten.
    """
    from modelet.dev.scaffold.scaffold import write_scaffold

    project = current_project()
    made = write_scaffold(project, name, backend)
    for path in made.paths:
        say(str(path.relative_to(project.root)))
    hint(f"next: modelet publish {made.name}, then modelet infer {made.name} {shlex.quote(made.instance)}")
