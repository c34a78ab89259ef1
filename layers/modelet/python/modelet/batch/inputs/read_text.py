"""Read the rows of CSV and of JSON Lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.batch.inputs.cells import cells_of, table_of
from modelet.batch.inputs.records import Records, csv_ends, line_ends, whole_records
from modelet.batch.inputs.text import text_blocks
from modelet.contract.schema import from_json
from modelet.store.objects import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.batch.chunk import Chunk
    from modelet.batch.inputs.assemble import Failed, Roles
    from modelet.batch.piece import Piece
    from modelet.store.objects import Objects


def csv_pieces(chunk: Chunk, roles: Roles, objects: Objects, rows: int, *, skips_header: bool) -> Iterator[Piece]:
    """Yield the rows of a chunk of CSV.

    A cell is a text exactly as written; an empty one is None, with or without quotes. A row with too few or too many
    cells, with a lone carriage return or with bytes that are not UTF-8 is a failed row. skips_header: the chunk begins
    with the names of the columns, which happens only if it is compressed.
    """
    names = chunk.columns or ()
    for first_row, records in _parts(chunk, objects, rows, skips_header=skips_header):
        failed: Failed = {}
        table = table_of(records, names)
        if table is None:
            columns = _one_by_one(records, names, failed)
        else:
            columns = {name: column.to_pylist() for name, column in zip(names, table.columns, strict=True)}
        yield roles.piece_of_columns(first_row, columns, failed)


def jsonl_pieces(chunk: Chunk, roles: Roles, objects: Objects, rows: int) -> Iterator[Piece]:
    """Yield the rows of a chunk of JSON Lines, read by the parser that reads requests.

    A line that is no JSON object is a failed row. Of a member that occurs twice, the last value counts. NaN is read,
    and the contract decides about it.
    """
    for first_row, records in _parts(chunk, objects, rows):
        failed: Failed = {}
        parsed: list[dict[str, Any] | None] = []
        for start, end in zip(records.starts.tolist(), records.ends.tolist(), strict=True):
            try:
                value = from_json(records.data[start:end])
            except ValueError as error:
                failed[len(parsed)] = (None, f"is no JSON: {error}")
                value = None
            if type(value) is not dict:
                failed.setdefault(len(parsed), (None, "is no JSON object"))
                value = None
            parsed.append(value)
        yield roles.piece_of_rows(first_row, parsed, failed)


def _parts(chunk: Chunk, objects: Objects, rows: int, *, skips_header: bool = False) -> Iterator[tuple[int, Records]]:
    """Yield the records of a chunk, at most `rows` and a block at once, with the number of the first one."""
    found = Found(chunk.url, chunk.size, chunk.etag)
    blocks = text_blocks(found, objects, chunk.start, chunk.end, is_gzip=chunk.gzip)
    ends_of = csv_ends if chunk.format == "csv" else line_ends
    row = chunk.first_row
    for records in whole_records(blocks, ends_of, chunk.url, row):
        begin = 0
        count = len(records.starts)
        if skips_header and count:
            begin, skips_header = 1, False
        parts = -(-(count - begin) // rows)
        for part in range(parts):
            # Parts of equal size: a last one of a few rows costs a model nearly as much as a full one.
            first, after = (begin + (count - begin) * each // parts for each in (part, part + 1))
            yield row, _slice(records, first, after)
            row += after - first


def _slice(records: Records, first: int, after: int) -> Records:
    start, end = int(records.starts[first]), int(records.ends[after - 1])
    return Records(records.data[start:end], records.starts[first:after] - start, records.ends[first:after] - start)


def _one_by_one(records: Records, names: tuple[str, ...], failed: Failed) -> dict[str, list[Any]]:
    """Return the cells as Python's csv reads them, and name the rows that it cannot read."""
    rows: list[list[Any]] = []
    nothing = [None] * len(names)
    for start, end in zip(records.starts.tolist(), records.ends.tolist(), strict=True):
        try:
            cells: list[Any] = [cell or None for cell in cells_of(records.data[start:end])]
        except ValueError as error:
            failed[len(rows)] = (None, str(error))
            cells = nothing
        if len(cells) != len(names):
            failed[len(rows)] = (None, f"has {len(cells)} cells, but there are {len(names)} columns")
            cells = nothing
        rows.append(cells)
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
