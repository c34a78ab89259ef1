"""`modelet publish`."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from modelet.dev.cli.output import hint, say
from modelet.dev.cli.verb import here, name_argument, open_store, store_option, verb

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@verb(
    "modelet publish sentiment\n"
    "modelet publish sentiment --version 2026-11\n"
    "modelet publish churn --from churn.joblib --examples rows.csv"
)
@name_argument
@click.option("--version", metavar="NAME", help="What to call the version.  [default: the next number]")
@click.option(
    "--from", "from_file", type=FILE, help="A finished estimator (.joblib) or graph (.onnx) in place of train.py."
)
@click.option("--examples", type=FILE, help="Held-out rows for --from, .csv or .json: columns as the model takes them.")
@click.option("--bounded", is_flag=True, help="Refuse numbers beyond those of the examples: they bound the columns.")
@click.option("--verbose", is_flag=True, help="Show the traceback of an error in train.py.")
@store_option
def publish(
    name: str,
    version: str | None,
    from_file: Path | None,
    examples: Path | None,
    bounded: bool,
    verbose: bool,
    store: str | None,
) -> None:
    """Train a model and keep it as a version, compiled and proven.

    Runs train() of the model's train.py, or takes a finished model. With the backend onnx it is compiled, and the graph
    must predict what the model predicts. A version is written once and never changes.
    """
    if (from_file is None) != (examples is None):
        raise click.UsageError("--from and --examples go together.")
    if bounded and from_file is None:
        raise click.UsageError("--bounded goes with --from; in train.py: columns=columns_of(examples, bounded=True).")
    from modelet.dev.progress import progress
    from modelet.dev.publish import publish as publish_version

    if verbose:
        ours = logging.getLogger("modelet")
        ours.setLevel(logging.DEBUG)
        ours.addHandler(logging.StreamHandler())
    function = here().function(name)
    with progress() as shown:
        published = publish_version(
            function,
            open_store(store),
            version=version,
            from_file=from_file,
            examples=examples,
            bounded=bounded,
            progress=shown,
        )
    say(f"{published.name}: published version {published.version}")
    lock = function.lock()
    if lock and lock.version != published.version:
        hint(f"model.lock keeps version {lock.version}; to serve the new one: modelet pin {published.name}")
    else:
        hint(f"to serve it: modelet up; to keep to it: modelet pin {published.name} {published.version}")
