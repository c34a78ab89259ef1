"""Cut Parquet files at their row groups."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from modelet.batch.chunk import Chunk
from modelet.batch.inputs.assemble import Roles
from modelet.batch.inputs.header import require_columns
from modelet.batch.inputs.parquet_file import open_parquet
from modelet.batch.inputs.values import can_be_key
from modelet.store.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.batch.inputs.find import Input
    from modelet.batch.request import BatchRequest
    from modelet.store.objects import Objects

MOST_PARTS = 64
"""Parts of one row group: a reader of a part decodes the rows before it."""


def parquet_chunks(one: Input, request: BatchRequest, objects: Objects, most: int) -> Iterator[Chunk]:
    """Yield chunks of whole row groups with up to `most` rows; a group of more than twice as many is split by rows.

    Raises InputError if the file is no Parquet, lacks the key or a passed column, or if one of these is of a type that
    cannot be read, or the key of one that cannot identify a row. The contract is not known here: a worker checks the
    types of its fields.
    """
    found = one.found
    file = open_parquet(found, objects, Roles(request.key, request.passed, frozenset()))
    schema, footer = file.schema_arrow, file.metadata
    require_columns(schema.names, request, found.url)
    kind = schema.field(request.key).type
    if not can_be_key(kind):
        raise InputError(f"{found.url}: the key {request.key!r} is of type {kind}: write it as texts or whole numbers")
    whole = Chunk(0, found.url, found.etag, found.size, "parquet", False, 0, found.size, 0, None)
    sizes = [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]
    first = rows = begin = 0
    for group, size in enumerate([*sizes, 0]):
        if rows and (rows + size > most or group == len(sizes)):
            yield whole._replace(first_row=first, rows=rows, groups=(begin, group))
            first, rows, begin = first + rows, 0, group
        if size > 2 * most:
            parts = min(MOST_PARTS, -(-size // most))
            places = [size * part // parts for part in range(parts + 1)]
            for start, end in pairwise(places):
                yield whole._replace(first_row=first + start, rows=end - start, groups=(group, group + 1))
            first, begin = first + size, group + 1
        else:
            rows += size
