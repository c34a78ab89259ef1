"""`modelet new`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from modelet.dev.cli.output import hint, say
from modelet.dev.cli.verb import here, verb

if TYPE_CHECKING:
    from modelet.dev.scaffold.scaffold import Backend


@verb("modelet new churn\nmodelet new review-sentiment --backend sklearn")
@click.argument("name")
@click.option(
    "--backend",
    type=click.Choice(["onnx", "sklearn"]),
    default="onnx",
    show_default=True,
    help="onnx: compiled, starts ten times faster. sklearn: joblib files, for what ONNX cannot express.",
)
def new(name: str, backend: Backend) -> None:
    """Start a model: a folder, its events and its test.

    What is written passes the gate, and can be published and served at once. Nothing is overwritten.
    """
    from modelet.dev.scaffold.scaffold import write_scaffold

    project = here()
    made = write_scaffold(project, name, backend)
    for path in made.paths:
        say(str(path.relative_to(project.root)))
    hint(f"next: modelet publish {made.name}, then modelet infer {made.name} {shlex.quote(made.instance)}")
