"""Read a chunk in pieces of bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.batch.inputs.assemble import Roles
from modelet.batch.inputs.parquet_pieces import parquet_pieces
from modelet.batch.inputs.read_text import csv_pieces, jsonl_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.batch.chunk import Chunk
    from modelet.batch.piece import Piece
    from modelet.batch.request import BatchRequest
    from modelet.store.objects import Objects

ROWS = 2_000
"""The most rows of a piece, unless the caller says another number."""


def read_pieces(
    chunk: Chunk, request: BatchRequest, objects: Objects, *, rows: int = ROWS, fields: frozenset[str] | None = None
) -> Iterator[Piece]:
    """Yield a chunk's rows in their order, at most `rows` and a block of text at once.

    fields: the names in the model's contract. Columns are handed on except the key and the passed ones, and these too
    if they are fields; CSV and flat Parquet as `columns`, JSON Lines and nested Parquet as `rows`. A row that cannot be
    read, or without a usable key, is in the piece's `failed`. Raises InputError, with the object and the row, if the
    object is not what its format says; ChangedInputError if it changed; StoreError if the store does not answer.
    """
    roles = Roles(request.key, request.passed, fields)
    if chunk.format == "parquet":
        return parquet_pieces(chunk, roles, objects, rows)
    if chunk.format == "csv":
        return csv_pieces(chunk, roles, objects, rows, skips_header=chunk.gzip and request.columns is None)
    return jsonl_pieces(chunk, roles, objects, rows)
