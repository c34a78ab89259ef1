"""`modelet publish`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from modelet.dev.cli.output import hint, say
from modelet.dev.cli.verb import here, name_argument, open_store, store_option, verb
from modelet.store.document import TYPES

if TYPE_CHECKING:
    from modelet.dev.project.project import Function
    from modelet.dev.publish.publish import Published
    from modelet.dev.publish.source.columns import Type
    from modelet.store.store import Store

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@verb(
    "modelet publish sentiment\n"
    "modelet publish sentiment --version 2026-11\n"
    "modelet publish churn --from churn.joblib --examples rows.csv\n"
    "modelet publish churn --from churn.joblib --examples rows.csv --types zip=string"
)
@name_argument
@click.option("--version", metavar="NAME", help="What to call the version.  [default: the next number]")
@click.option(
    "--from", "from_file", type=FILE, help="A finished estimator (.joblib) or graph (.onnx) in place of train.py."
)
@click.option("--examples", type=FILE, help="Held-out rows for --from, .csv or .json: columns as the model takes them.")
@click.option(
    "--types",
    metavar="COLUMN=TYPE",
    multiple=True,
    help="What a CSV column holds: string, number, integer or boolean; may be given again.",
)
@click.option("--bounded", is_flag=True, help="Refuse numbers beyond those of the examples: they bound the columns.")
@click.option("--verbose", is_flag=True, help="Show the traceback of an error in train.py.")
@store_option
def publish(
    name: str,
    version: str | None,
    from_file: Path | None,
    examples: Path | None,
    types: tuple[str, ...],
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
    if types and from_file is None:
        raise click.UsageError("--types goes with --examples; in train.py the examples have their types.")
    said = _types(types)
    from modelet.dev.progress import progress
    from modelet.dev.publish.publish import publish as publish_version

    if verbose:
        ours = logging.getLogger("modelet")
        ours.setLevel(logging.DEBUG)
        ours.addHandler(logging.StreamHandler())
    function, kept = here().function(name), open_store(store)
    with progress() as shown:
        published = publish_version(
            function,
            kept,
            version=version,
            from_file=from_file,
            examples=examples,
            bounded=bounded,
            types=said,
            progress=shown,
        )
    say(f"{published.name}: published version {published.version}")
    hint(_next(function, kept, published))


def _types(said: tuple[str, ...]) -> dict[str, Type]:
    """The types of columns by name, as --types says them."""
    types: dict[str, Type] = {}
    for one in said:
        name, _, kind = one.rpartition("=")
        if not name or kind not in TYPES:
            raise click.BadParameter(
                f"{one!r} is not COLUMN=TYPE with a type of {', '.join(TYPES)}.", param_hint="--types"
            )
        types[name] = cast("Type", kind)
    return types


def _next(function: Function, store: Store, published: Published) -> str:
    """What to do next: whether the new version is the one that is served depends on model.lock, else on model.yaml."""
    from modelet.dev.publish.pin import resolve_lock
    from modelet.errors import BundleError, ModeletError

    name, new, wanted = published.name, published.version, function.spec.version
    to_pin = f"to serve the new one: modelet pin {name} {new}"
    try:
        lock, source = function.lock(), "model.lock keeps"
        if lock is None:
            lock, source = resolve_lock(function, store), f"model.yaml's {wanted!r} is"
    except BundleError as error:
        return str(error)
    except ModeletError:
        return f"model.yaml's {wanted!r} is no version yet; {to_pin}"
    if lock.manifest_sha256 == published.manifest_sha256:
        return f"to serve it: modelet up; to keep to it: modelet pin {name} {new}"
    if lock.version == new:
        return f"model.lock keeps a version {new} of another store; delete it to serve the new one"
    return f"{source} version {lock.version}; {to_pin}"
