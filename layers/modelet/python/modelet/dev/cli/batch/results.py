"""`modelet batch results`."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

import click

from modelet.dev.cli.batch.service import api_options, batch_service
from modelet.dev.cli.batch.status import newest
from modelet.dev.cli.command import command, name_argument
from modelet.dev.cli.output import document, say
from modelet.dev.cli.printing import printable_json
from modelet.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.dev.cli.batch.service import BatchService

PAGE_ROWS = 10_000
"""The most rows of one answer."""


@command(
    "modelet batch results diabetes --output predictions.jsonl\n"
    "modelet batch results diabetes --key patient-1 --key patient-2\n"
    "modelet batch results diabetes 20261129T051200123Z-1a2b3c4d --rejected\n"
    "modelet batch results diabetes --rejected --output rejected.jsonl --url https://abc.execute-api.…"
)
@name_argument
@click.argument("batch", required=False)
@click.option("--key", "keys", metavar="KEY", multiple=True, help="Look this key up. Repeatable, up to 100 times.")
@click.option("--rejected", "only_rejected", is_flag=True, help="Print the rejected rows, each with its reason.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the rows into this file.")
@api_options
def results(
    *,
    name: str,
    batch: str | None,
    keys: tuple[str, ...],
    only_rejected: bool,
    output: Path | None,
    url: str | None,
    region: str | None,
    api_key: str | None,
    token: str | None,
) -> None:
    """Print the predictions of a batch, or its rejected rows.

    They are JSON Lines. Without BATCH: the predictions of the active generation, or the rejected rows of the newest
    batch. Predictions are in no order. Rows have their number in the input object, from 0, without a header. With
    --key, look predictions of the active generation up.
    """
    if keys and (batch or only_rejected or output):
        raise click.UsageError("--key looks into the active generation: leave out BATCH, --rejected and --output.")
    with _written(output) as file, batch_service(name, url, region, api_key, token) as service:
        if keys:
            document(service.post("predictions", body={"keys": list(keys)}))
            return
        member = "rejected" if only_rejected else "predictions"
        chosen = batch or (None if only_rejected else service.get("predictions").get("generation"))
        chosen = chosen or newest(service.get("batches", query="limit=1")["batches"], name)
        count = _copy(service, chosen, member, file or sys.stdout)
    if output is not None:
        say(f"{count:,} rows in {output}")


def _copy(service: BatchService, batch: str, member: str, file: IO[str]) -> int:
    """Write all rows, page by page, so that they need little memory. Returns how many there are."""
    query, count = f"limit={PAGE_ROWS}", 0
    while True:
        page: dict[str, Any] = service.get("batches", batch, member, query=query)
        try:
            for row in page[member]:
                file.write(printable_json(json.dumps(row, ensure_ascii=False)) + "\n")
            file.flush()
        except BrokenPipeError:  # the program behind the pipe has read enough, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return count
        count += len(page[member])
        if page["after"] is None:
            return count
        query = f"limit={PAGE_ROWS}&after={quote(page['after'], safe='')}"


@contextmanager
def _written(path: Path | None) -> Iterator[IO[str] | None]:
    """Open a file that gets its name when everything is written; None without a path. Raises CommandError."""
    if path is None:
        yield None
        return
    unfinished = path.with_name(f"{path.name}.partial")
    if path.is_dir():
        raise CommandError(f"{path} is a folder: give the name of a file as --output")
    try:
        file = unfinished.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror}): give another --output") from None
    try:
        with file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
