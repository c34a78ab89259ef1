"""`modelet new`."""

from __future__ import annotations

import shlex

import click

from modelet.backends import AUTO, BACKENDS, DEFAULT
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
KINDS = ("predictor", "rules", "several")
"""The kinds of models that are not one trained estimator."""


@command(
    "modelet new churn --backend auto   # for a trained file: then modelet publish churn --from FILE --examples ROWS\n"
    "modelet new review-mood\n"
    "modelet new review-mood --backend sklearn\n"
    "modelet new people --task token-classification\n"
    "modelet new order-check --kind rules"
)
@click.argument("name")
@click.option(
    "--backend",
    type=click.Choice([*(record.name for record in BACKENDS.values() if record.ending), AUTO]),
    default=DEFAULT,
    show_default=True,
    help=" ".join(f"{record.name}: {record.summary}." for record in BACKENDS.values() if record.ending)
    + " auto: a model.yaml alone, for a trained file, whose backend `modelet publish --from` finds out.",
)
@click.option("--task", type=click.Choice(TASKS), help="A model of texts, which is served by onnx.")
@click.option("--kind", type=click.Choice(KINDS), help="A model that is not one trained estimator.")
def new(name: str, backend: str, task: str | None, kind: str | None) -> None:
    """Create a model: a folder, its sample events and its test.

    The new model passes `make check` and can be published and served at once. No file is overwritten. With
    --backend auto there is no class: publish a trained file, which also writes the events and the requirements.
    """
    from modelet.dev.scaffold.scaffold import write_scaffold

    project = current_project()
    if task and backend != DEFAULT:
        raise click.UsageError(f"--task needs the backend {DEFAULT}.")
    if kind and (task or backend != DEFAULT):
        raise click.UsageError("--kind is used without --task and --backend.")
    made = write_scaffold(project, name, backend, task, kind)
    for path in made.paths:
        say(str(path.relative_to(project.root)))
    if backend == AUTO:
        hint(f"next: modelet publish {made.name} --from model.joblib --examples rows.csv")
        return
    first = "" if kind in {"predictor", "rules"} else f"modelet publish {made.name}, then "
    hint(f"next: {first}modelet infer {made.name} {shlex.quote(made.instance)}")
