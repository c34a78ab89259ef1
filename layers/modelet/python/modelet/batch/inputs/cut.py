"""Cut inputs into chunks: one pass over each text file, the footer of each Parquet file."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelet.batch.chunk import Chunk
from modelet.batch.inputs.parquet import cut_parquet
from modelet.batch.inputs.text import BOM, StrayQuoteError, blocks_of, lines_of, row_ends
from modelet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from modelet.batch.inputs.find import Input
    from modelet.batch.inputs.text import Ends
    from modelet.batch.request import BatchRequest
    from modelet.store.objects import Objects

CHUNK_ROWS = 50_000


class Part(NamedTuple):
    """Bytes of a text file: from `start` up to `end`, with some rows."""

    start: int
    end: int
    first_row: int
    rows: int


def cut(inputs: Sequence[Input], request: BatchRequest, objects: Objects, *, first_number: int = 0) -> Iterator[Chunk]:
    """Return the chunks of the inputs in their order, numbered from `first_number`.

    Raises InputError, with the object, for a file that cannot be read, and for a missing column.
    """
    number = first_number
    rows = request.chunk_rows or CHUNK_ROWS
    for each in inputs:
        for chunk in _cut(each, request, objects, rows):
            yield chunk._replace(number=number)
            number += 1


def _cut(each: Input, request: BatchRequest, objects: Objects, rows: int) -> Iterator[Chunk]:
    found = each.found
    whole = Chunk(0, found.url, found.etag, found.size, each.format, each.gzip, 0, found.size, 0, None)
    if each.format == "parquet":
        yield from cut_parquet(whole, request, objects, rows)
        return
    if found.size == 0:
        return
    start = 0
    if each.format == "csv":
        whole, start = _with_columns(whole, request, objects)
    elif not each.gzip and objects.read(found, 0, 3) == BOM:
        start = 3
    if each.gzip:
        yield whole
        return
    for part in _parts(whole, start, objects, rows):
        yield whole._replace(start=part.start, end=part.end, first_row=part.first_row, rows=part.rows)


def _parts(whole: Chunk, start: int, objects: Objects, rows: int) -> Iterator[Part]:
    """Return the parts of a text file of `rows` rows each."""
    body = whole._replace(start=start)
    is_csv = whole.format == "csv"
    try:
        yield from list(cut_rows(row_ends(blocks_of(body, objects), start, whole.url, quoted=is_csv), start, rows))
    except StrayQuoteError:
        # Quotes inside unquoted cells: only reading the rows tells where they end.
        yield from cut_rows(_read_ends(body, objects), start, rows)


def cut_rows(ends: Iterable[Ends], start: int, rows: int) -> Iterator[Part]:
    """Return parts of `rows` rows each from the ends of rows; the last one may have fewer."""
    first, count, last = 0, 0, start
    for each in ends:
        counts = count + np.cumsum(each.rows)
        while len(counts) and counts[-1] - first >= rows:
            place = int(np.searchsorted(counts, first + rows))
            yield Part(start, int(each.places[place]), first, rows)
            start, first = int(each.places[place]), first + rows
        count = int(counts[-1]) if len(counts) else count
        last = int(each.places[-1]) if len(each.places) else last
    if count > first:
        yield Part(start, last, first, count - first)


def _read_ends(body: Chunk, objects: Objects) -> Iterator[Ends]:
    """Return the ends of the rows of a CSV file by reading it with the reader that reads its chunks."""
    from modelet.batch.inputs.text import Ends  # noqa: PLC0415 - as a value only here

    offset = body.start

    def texts() -> Iterator[str]:
        nonlocal offset
        for line in lines_of(blocks_of(body, objects), body.url):
            offset += len(line)
            yield line.decode("utf-8", "surrogateescape")

    places: list[int] = []
    rows: list[bool] = []
    try:
        for row in csv.reader(texts(), strict=False):
            places.append(offset)
            rows.append(bool(row))
            if len(places) == 10_000:
                yield Ends(np.array(places, np.int64), np.array(rows))
                places, rows = [], []
    except csv.Error as error:
        raise InputError(f"{body.url} is no CSV file: {error}") from None
    if places:
        yield Ends(np.array(places, np.int64), np.array(rows))


def _with_columns(whole: Chunk, request: BatchRequest, objects: Objects) -> tuple[Chunk, int]:
    """Return the chunk with its columns, and the offset of the first row. Raises InputError for a missing column."""
    lines = lines_of(blocks_of(whole, objects), whole.url)
    consumed = 0

    def texts() -> Iterator[str]:
        nonlocal consumed
        for line in lines:
            text = line if consumed else line.removeprefix(BOM)
            consumed += len(line)
            try:
                yield text.decode()
            except UnicodeDecodeError:
                raise InputError(f"the first line of {whole.url} is not UTF-8: convert the file") from None

    if request.columns is not None:
        columns, start = request.columns, len(BOM) if next(lines, b"").startswith(BOM) else 0
        _check_columns(columns, request, whole.url)
        return whole._replace(columns=tuple(columns)), start
    try:
        header = next((row for row in csv.reader(texts()) if row), [])
    except csv.Error as error:
        raise InputError(f"{whole.url} is no CSV file: {error}") from None
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise InputError(f"{whole.url} has the column {twice!r} twice: rename one, or give `columns`")
    _check_columns(header, request, whole.url)
    return whole._replace(columns=tuple(header)), consumed


def _check_columns(columns: Sequence[str], request: BatchRequest, url: str) -> None:
    for name in (request.key, *request.passed):
        if name not in columns:
            known = ", ".join(columns[:20])
            raise InputError(f"{url} has no column {name!r:.100}: its columns are {known:.300}")
