"""Read a chunk in pieces of bounded size, in the form in which the model's contract checks them."""

from __future__ import annotations

import csv
from itertools import islice
from typing import TYPE_CHECKING, Any

from modelet.batch.inputs.keys import fault_of, take_keys, text_of
from modelet.batch.inputs.text import BOM, MOST_ROW_BYTES, blocks_of, lines_of
from modelet.batch.piece import Piece
from modelet.contract.schema import from_json
from modelet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.batch.chunk import Chunk
    from modelet.batch.request import BatchRequest
    from modelet.store.objects import Objects

INSTANCE = "instance"
"""The column with the instance itself, for a model whose instances are no objects."""


def read_pieces(
    chunk: Chunk,
    request: BatchRequest,
    objects: Objects,
    *,
    rows: int = 2_000,
    fields: frozenset[str] | None = None,
) -> Iterator[Piece]:
    """Return the pieces of a chunk, of at most `rows` rows each.

    fields: the names that the contract reads; other columns are left out. None hands on all columns but the key and
    passed ones. A row without a key, or one that is no JSON object, is in `failed`. Raises InputError, with the object
    and the row, for a file that is not in its format, ChangedInputError if the object is another than planned.
    """
    if chunk.format == "parquet":
        from modelet.batch.inputs.parquet import read_parquet  # noqa: PLC0415 - 160 ms, only for Parquet

        pieces = read_parquet(chunk, request, objects, rows, fields)
    elif chunk.format == "csv":
        pieces = _read_csv(chunk, request, objects, rows, fields)
    else:
        pieces = _read_jsonl(chunk, request, objects, rows, fields)
    for piece in pieces:
        for place, key in enumerate(piece.keys):
            if place not in piece.failed and (fault := fault_of(key)) is not None:
                piece.failed[place] = (request.key, fault)
        yield piece


def _read_csv(
    chunk: Chunk, request: BatchRequest, objects: Objects, rows: int, fields: frozenset[str] | None
) -> Iterator[Piece]:
    names = chunk.columns or ()
    width, key = len(names), names.index(request.key)
    passed = {name: names.index(name) for name in request.passed}
    others = {request.key, *request.passed}
    wanted = {
        name: place
        for place, name in enumerate(names)
        if (name in fields if fields is not None else name not in others)
    }
    csv.field_size_limit(MOST_ROW_BYTES)
    reader = csv.reader(_texts(chunk, objects))
    first = chunk.first_row
    skip = chunk.gzip and request.columns is None  # a compressed file begins with its header
    while True:
        try:
            found = list(islice(filter(None, reader), rows + skip))
        except csv.Error as error:
            raise InputError(f"{chunk.url} is no CSV file, after row {first}: {error}") from None
        found, skip = found[1:] if skip else found, False
        if not found:
            return
        failed: dict[int, tuple[str | None, str]] = {}
        for place, row in enumerate(found):
            if len(row) != width:
                failed[place] = (None, f"the row has {len(row)} cells, and the header has {width}")
                found[place] = (row + [""] * width)[:width]
        columns = list(zip(*found, strict=True))
        keys, kept = take_keys(columns[key], {name: columns[place] for name, place in passed.items()})
        piece = Piece(first, keys, kept, failed=failed)
        piece.columns = {name: [cell or None for cell in columns[place]] for name, place in wanted.items()}
        if fields is None and piece.columns.keys() == {INSTANCE}:
            piece.rows, piece.columns = piece.columns[INSTANCE], None
        for place, key_ in enumerate(keys):
            if place not in failed and not _is_unicode(found[place], key_):
                failed[place] = (None, "the row is not UTF-8: convert the file")
        yield piece
        first += len(found)


def _is_unicode(row: list[str], key: str) -> bool:
    if key.isascii() and all(map(str.isascii, row)):
        return True
    try:
        "".join(row).encode()
    except UnicodeEncodeError:
        return False
    return True


def _texts(chunk: Chunk, objects: Objects) -> Iterator[str]:
    """Return the lines as texts; bytes that are no UTF-8 become lone surrogates, by which the row is found."""
    lines = lines_of(blocks_of(chunk, objects), chunk.url)
    first = next(lines, None)
    if first is None:
        return
    yield (first.removeprefix(BOM) if chunk.start == 0 else first).decode("utf-8", "surrogateescape")
    for line in lines:
        yield line.decode("utf-8", "surrogateescape")


def _read_jsonl(
    chunk: Chunk, request: BatchRequest, objects: Objects, rows: int, fields: frozenset[str] | None
) -> Iterator[Piece]:
    lines = (line for line in lines_of(blocks_of(chunk, objects), chunk.url) if line.strip())
    others = {request.key, *request.passed}
    first = chunk.first_row
    while found := list(islice(lines, rows)):
        keys: list[str] = []
        kept: list[dict[str, Any]] = []
        instances: list[Any] = []
        failed: dict[int, tuple[str | None, str]] = {}
        for place, line in enumerate(found):
            row, fault = _object(line.removeprefix(BOM) if first + place == 0 else line)
            if fault:
                failed[place] = (None, fault)
            keys.append(text_of(row.get(request.key)))
            kept.append({name: row.get(name) for name in request.passed})
            if fields is not None:
                instances.append({name: value for name, value in row.items() if name in fields})
            else:
                rest = {name: value for name, value in row.items() if name not in others}
                instances.append(rest[INSTANCE] if rest.keys() == {INSTANCE} else rest)
        yield Piece(first, keys, kept if request.passed else None, rows=instances, failed=failed)
        first += len(found)


def _object(line: bytes) -> tuple[dict[str, Any], str | None]:
    """Return the object of a line, and why it is none."""
    try:
        row = from_json(line)
    except ValueError as error:
        return {}, f"the line is no JSON: {error}"
    return (row, None) if isinstance(row, dict) else ({}, "the line is no JSON object")
