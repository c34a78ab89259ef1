"""`modelet publish`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from modelet.dev.cli.command import command, current_project, name_argument, open_store, store_option
from modelet.dev.cli.output import hint, say
from modelet.store.document import TYPES

if TYPE_CHECKING:
    from modelet.dev.project.project import Function
    from modelet.dev.publish.publish import Published
    from modelet.dev.publish.source.columns import Type
    from modelet.store.store import Store

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
MODEL = click.Path(exists=True, path_type=Path)


@command(
    "modelet publish sentiment\n"
    "modelet publish sentiment --version 2026-11\n"
    "modelet publish churn --from churn.joblib --examples rows.csv\n"
    "modelet publish churn --from churn.joblib --examples rows.csv --types zip=string"
)
@name_argument
@click.option("--version", metavar="NAME", help="The name of the version.  [default: the next number]")
@click.option(
    "--from",
    "from_file",
    type=MODEL,
    help="A trained estimator (.joblib), a booster (.txt, .json, .ubj, .cbm), a graph (.onnx), a file of "
    "torch (.pt, .pt2), a Hugging Face folder or a Lightning checkpoint (.ckpt), instead of train.py.",
)
@click.option(
    "--examples",
    type=FILE,
    help="Held-out rows for --from, .csv or .json, with the model's columns in order; or texts, .json or .txt; or "
    "a module's inputs, .npz, .npy, .json or .csv.",
)
@click.option(
    "--types",
    metavar="COLUMN=TYPE",
    multiple=True,
    help="The type of a CSV column: string, number, integer or boolean. Repeatable.",
)
@click.option("--bounded", is_flag=True, help="Reject numbers outside the range of the examples.")
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
    """Train a model, compile and check it, and save it as a version.

    Run train() in the model's train.py, or use a trained model (--from). With the backend onnx, the model is compiled
    to an ONNX graph, which must make the same predictions as the model. A version never changes once it is written.
    """
    if (from_file is None) != (examples is None):
        raise click.UsageError("--from and --examples must be used together.")
    if bounded and from_file is None:
        raise click.UsageError("--bounded needs --from. In train.py, use columns=columns_of(examples, bounded=True).")
    if types and from_file is None:
        raise click.UsageError("--types needs --examples. In train.py, the examples already have types.")
    said = _types(types)
    from modelet.dev.progress import progress
    from modelet.dev.publish.publish import publish as publish_version

    if verbose:
        ours = logging.getLogger("modelet")
        ours.setLevel(logging.DEBUG)
        ours.addHandler(logging.StreamHandler())
    function, kept = current_project().function(name), open_store(store)
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
    for path in published.written:
        say(f"{published.name}: wrote {path.relative_to(function.folder.parent.parent)}")
    hint(_next(function, kept, published))


def _types(said: tuple[str, ...]) -> dict[str, Type]:
    """Parse the values of --types into column types by name."""
    types: dict[str, Type] = {}
    for one in said:
        name, _, kind = one.rpartition("=")
        if not name or kind not in TYPES:
            raise click.BadParameter(
                f"{one!r} must be COLUMN=TYPE, where TYPE is one of {', '.join(TYPES)}.", param_hint="--types"
            )
        types[name] = cast("Type", kind)
    return types


def _next(function: Function, store: Store, published: Published) -> str:
    """Suggest the next step: model.lock, or model.yaml if there is no lock, says which version is served."""
    from modelet.dev.publish.pin import resolve_lock
    from modelet.errors import BundleError, ModeletError

    name, new, wanted = published.name, published.version, function.spec.version
    to_pin = f"to serve the new version: modelet pin {name} {new}"
    try:
        lock, source = function.lock(), "model.lock pins"
        if lock is None:
            lock, source = resolve_lock(function, store), f"model.yaml's {wanted!r} is"
    except BundleError as error:
        return str(error)
    except ModeletError:
        return f"model.yaml's {wanted!r} is not a version yet; {to_pin}"
    if lock.manifest_sha256 == published.manifest_sha256:
        return f"to serve it: modelet up; to pin it: modelet pin {name} {new}"
    if lock.version == new:
        return f"model.lock pins version {new} of another store; delete it to serve the new version"
    return f"{source} version {lock.version}; {to_pin}"
