"""The options that describe the inputs and the outputs of a batch."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

import click

from modelet.errors import CommandError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.batch.request import BatchRequest

    FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

FORMATS = ("csv", "jsonl", "parquet")
ESCAPED = re.compile(r"\[([*?[])\]")
"""A sign of wildcards that is meant literally."""
MOST_CHECKED = 100
"""Files whose first rows are looked at before anything is started."""


def input_options(function: FunctionT) -> FunctionT:
    """Add the argument INPUT… and the options of a batch's request."""
    for option in (
        click.option("--chunk-rows", type=click.IntRange(1, 1_000_000), help="Rows in a chunk.  [default: chosen]"),
        click.option("--tolerated", type=click.FloatRange(0, 1), help="The share of rows that may be rejected."),
        click.option("--load", type=click.Choice(["auto", "write", "import"]), default="auto", show_default=True,
                     help="How the table is written: row by row, or by an import into a new table."),
        click.option("--results-format", type=click.Choice(["parquet", "jsonl"]), default="parquet", show_default=True,
                     help="The format of result files."),
        click.option("--results", metavar="URL", help="A folder for result files: s3://bucket/prefix or a path."),
        click.option("--no-table", is_flag=True, help="Do not write the prediction table; needs --results."),
        click.option("--columns", metavar="A,B,…", help="The columns of CSV files without a header."),
        click.option("--format", "format_", type=click.Choice(FORMATS), help="The format.  [default: by the suffix]"),
        click.option("--pass", "passed", metavar="COLUMN", multiple=True, help="Copy this column. Repeatable."),
        click.option("--key", required=True, metavar="COLUMN", help="The column that identifies a row."),
        click.argument("inputs", metavar="INPUT...", nargs=-1, required=True),
    ):  # fmt: skip
        function = option(function)
    return function


def request_of(given: dict[str, Any], *, local: bool) -> BatchRequest:
    """Return the request that the options describe. local: whether files of this machine can be read.

    Raises CommandError with the option and the remedy.
    """
    from modelet.batch.request import BatchRequest

    document: dict[str, Any] = {
        "inputs": [input_url(each, local=local) for each in given["inputs"]],
        "key": given["key"],
        "passed": list(given["passed"]),
        "format": given["format_"],
        "columns": given["columns"].split(",") if given["columns"] else None,
        "table": not given["no_table"],
        "results": folder_url(given["results"], local=local) if given["results"] else None,
        "results_format": given["results_format"],
        "load": given["load"],
        "tolerated": given["tolerated"],
        "chunk_rows": given["chunk_rows"],
    }
    try:
        request = BatchRequest.from_json({name: value for name, value in document.items() if value is not None})
    except RequestError as error:
        raise CommandError(str(error)) from None
    if local:
        check_files(request)
    return request


def input_url(given: str, *, local: bool) -> str:
    """Return the URL of an input: itself, or that of a file of this machine. Raises CommandError.

    A path that exists is meant literally, even if its name has the characters of wildcards.
    """
    if url := _as_given(given, local=local):
        return url
    path = _expanded(given)
    whole = glob.escape(str(Path.cwd() / path)) if path.exists() else str(Path(glob.escape(str(Path.cwd()))) / path)
    url = Path(os.path.abspath(whole)).as_uri()  # noqa: PTH100 - no part of a URL may be `..`
    for sign in "*?[]":
        url = url.replace(f"%{ord(sign):02X}", sign)
    return url


def folder_url(given: str, *, local: bool) -> str:
    """Return the URL of a folder for results: itself, or that of a folder of this machine. Raises CommandError."""
    if url := _as_given(given, local=local):
        return url
    return Path(os.path.abspath(_expanded(given))).as_uri()  # noqa: PTH100 - no part of a URL may be `..`


def _as_given(given: str, *, local: bool) -> str | None:
    """Return a URL that needs no change; None for a path. Raises CommandError for what cannot be read."""
    url = given.replace("file://localhost/", "file:///", 1)
    is_file = url.startswith("file:///") or "://" not in url
    if not is_file and not url.startswith("s3://"):
        raise CommandError(f"{given!r} is not supported: give s3://bucket/key or the path of a file")
    if is_file and not local:
        raise CommandError(f"{given!r} is a file of this machine, which AWS cannot read: copy it to S3, give s3://…")
    return url if "://" in url else None


def _expanded(given: str) -> Path:
    try:
        return Path(given).expanduser()
    except RuntimeError as error:
        raise CommandError(f"{given}: {error}: give the whole path") from None


def check_files(request: BatchRequest) -> None:
    """Check the inputs that are files of this machine, and their first rows, before anything is started.

    Raises CommandError, InputError or ContractError for a file that is missing, cannot be read, or is not what its
    format says, and if no input has a row.
    """
    from modelet.batch.inputs.cut import cut
    from modelet.batch.inputs.find import find_inputs
    from modelet.store.objects import Objects

    if request.results is not None and request.results.startswith("file:"):
        _require_folder(_path(request.results))
    files = tuple(url for url in request.inputs if url.startswith("file:"))
    objects = Objects()
    for url in files:
        pattern = str(_path(url))
        named = Path(ESCAPED.sub(r"\1", pattern))
        if not glob.has_magic(ESCAPED.sub("", pattern)):
            _require_file(named)  # before it is opened: a pipe would never end
            continue
        found = objects.find(url)
        if not found:
            raise CommandError(f"{named} matches no file: {_where()}")
        for each in found:
            _require_file(_path(each.url))
    inputs = find_inputs(request._replace(inputs=files), objects) if files else []
    begin = request._replace(chunk_rows=1)
    rows = [next(cut([each], begin, objects), None) for each in inputs[:MOST_CHECKED]]
    if len(rows) == len(inputs) and len(files) == len(request.inputs) and not any(rows):
        raise CommandError("the inputs have no rows: nothing would be scored")


def _path(url: str) -> Path:
    return Path(unquote(url.removeprefix("file://")))


def _require_file(path: Path) -> None:
    if path.is_file() and os.access(path, os.R_OK):
        return
    if path.is_dir():
        raise CommandError(f"{path} is a folder: give its files, for example '{path}/*.csv'")
    if path.exists():
        raise CommandError(f"{path} is not a file that you may read: change its permissions")
    raise CommandError(f"{path} does not exist: {_where()}")


def _where() -> str:
    return f"correct the path, or change to its folder; this one is {Path.cwd()}"


def _require_folder(path: Path) -> None:
    """Raise CommandError unless the folder is there, or can be made, and can be written."""
    there = next(each for each in (path, *path.parents) if each.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise CommandError(f"{there} is not a folder that you may write: give another one as --results")
