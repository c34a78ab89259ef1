"""The options that describe the inputs and the outputs of a batch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from modelet.errors import CommandError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.batch.request import BatchRequest

    FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

FORMATS = ("csv", "jsonl", "parquet")


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
        "inputs": [url_of(each, local=local) for each in given["inputs"]],
        "key": given["key"],
        "passed": list(given["passed"]),
        "format": given["format_"],
        "columns": given["columns"].split(",") if given["columns"] else None,
        "table": not given["no_table"],
        "results": url_of(given["results"], local=local) if given["results"] else None,
        "results_format": given["results_format"],
        "load": given["load"],
        "tolerated": given["tolerated"],
        "chunk_rows": given["chunk_rows"],
    }
    try:
        return BatchRequest.from_json({name: value for name, value in document.items() if value is not None})
    except RequestError as error:
        raise CommandError(str(error)) from None


def url_of(given: str, *, local: bool) -> str:
    """Return the URL of an input: itself, or that of a file of this machine. Raises CommandError."""
    if given.startswith(("s3://", "file:///")):
        return given
    if "://" in given:
        raise CommandError(f"{given!r} is not supported: give s3://bucket/key or the path of a file")
    if not local:
        raise CommandError(f"{given!r} is a file of this machine, which AWS cannot read: copy it to S3, give s3://…")
    return (
        Path(given).absolute().as_uri().replace("%2A", "*").replace("%3F", "?").replace("%5B", "[").replace("%5D", "]")
    )
