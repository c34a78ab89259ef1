"""Read the rows of Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.batch.inputs.parquet_file import open_groups, open_parquet, parquet_errors
from modelet.batch.inputs.values import is_nested, values_and_reasons
from modelet.store.objects import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.batch.chunk import Chunk
    from modelet.batch.inputs.assemble import Failed, Roles
    from modelet.batch.piece import Piece
    from modelet.store.objects import Objects

PIECE_BYTES = 16 * 1024 * 1024
"""Uncompressed bytes of a piece: of large rows it has fewer."""


def parquet_pieces(chunk: Chunk, roles: Roles, objects: Objects, rows: int) -> Iterator[Piece]:
    """Yield the rows of a chunk of row groups, or of a part of one; as rows if a column for the contract is nested.

    A row with a value that cannot be read is a failed row, whose value is None.
    """
    found = Found(chunk.url, chunk.size, chunk.etag)
    file = open_parquet(found, objects, roles)
    footer, schema = file.metadata, file.schema_arrow
    has_nested = any(is_nested(field.type) and roles.is_handed(field.name) for field in schema)
    row, read = chunk.first_row, [name for name in schema.names if roles.is_read(name)]
    for batch in _batches(chunk, found, objects, footer, rows, read):
        columns: dict[str, list[Any]] = {}
        failed: Failed = {}
        for name in read:
            columns[name], reasons = values_and_reasons(batch.column(name))
            for place, reason in reasons.items():
                failed.setdefault(place, (name, reason))
        if has_nested:
            values = [dict(zip(columns, each, strict=True)) for each in zip(*columns.values(), strict=True)]
            yield roles.piece_of_rows(row, values, failed)
        else:
            yield roles.piece_of_columns(row, columns, failed)
        row += batch.num_rows


def _batches(chunk: Chunk, found: Found, objects: Objects, footer: Any, rows: int, columns: list[str]) -> Iterator[Any]:
    """Yield some columns of the chunk's rows as Arrow's record batches."""
    groups = range(*chunk.groups) if chunk.groups else range(footer.num_row_groups)
    parts = [footer.row_group(group) for group in groups]
    bytes_each = sum(part.total_byte_size for part in parts) // max(1, sum(part.num_rows for part in parts)) + 1
    skip = chunk.first_row - sum(footer.row_group(group).num_rows for group in range(groups.start))
    left = sum(part.num_rows for part in parts) - skip if chunk.rows is None else chunk.rows
    size = max(1, min(rows, PIECE_BYTES // bytes_each))
    with parquet_errors(chunk.url):
        file = open_groups(found, objects, footer, groups)
        batches = file.iter_batches(batch_size=size, row_groups=list(groups), columns=columns, use_threads=False)
    while left:
        with parquet_errors(chunk.url):
            batch = next(batches, None)
        if batch is None:
            return
        begin = min(skip, batch.num_rows)
        skip -= begin
        batch = batch.slice(begin, left)
        left -= batch.num_rows
        if batch.num_rows:
            yield batch
