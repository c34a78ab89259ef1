"""`modelet new`."""

from __future__ import annotations

import shlex

import click

from modelet.backends import BACKENDS, DEFAULT
from modelet.dev.cli.command import command, current_project
from modelet.dev.cli.output import hint, say

TASKS = (
    "token-classification",
    "text-classification",
    "pair-classification",
    "question-answering",
    "sentence-embedding",
)
"""The tasks of models of texts; reading them from their templates would slow down --help."""


@command(
    "modelet new churn\nmodelet new review-sentiment --backend sklearn\nmodelet new people --task token-classification"
)
@click.argument("name")
@click.option(
    "--backend",
    type=click.Choice(list(BACKENDS)),
    default=DEFAULT,
    show_default=True,
    help=" ".join(f"{record.name}: {record.summary}." for record in BACKENDS.values()),
)
@click.option("--task", type=click.Choice(TASKS), help="A model of texts, which is served by onnx.")
def new(name: str, backend: str, task: str | None) -> None:
    """Create a model: a folder, its sample events and its test.

    The new model passes `make check` and can be published and served at once. No file is overwritten.
    """
    from modelet.dev.scaffold.scaffold import write_scaffold

    project = current_project()
    if task and backend != DEFAULT:
        raise click.UsageError(f"--task needs the backend {DEFAULT}.")
    made = write_scaffold(project, name, backend, task)
    for path in made.paths:
        say(str(path.relative_to(project.root)))
    hint(f"next: modelet publish {made.name}, then modelet infer {made.name} {shlex.quote(made.instance)}")
