"""Parquet files: cut at row groups, read in batches through ranges of the object."""

from __future__ import annotations

import datetime
import decimal
import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from modelet.batch.inputs.keys import take_keys
from modelet.batch.piece import Piece
from modelet.errors import InputError
from modelet.store.objects import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.batch.chunk import Chunk
    from modelet.batch.request import BatchRequest
    from modelet.store.objects import Objects

READ_AHEAD = 1024 * 1024
"""Bytes that a small read fetches, because a footer is read in several small ones."""


class Ranges(io.RawIOBase):
    """An object as a file that is read by ranges. found: the object as it was planned."""

    def __init__(self, found: Found, objects: Objects) -> None:
        self._found = found
        self._objects = objects
        self._place = 0
        self._buffer = (0, b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next read."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place, and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._found.size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; all that are left for -1."""
        end = self._found.size if size < 0 else min(self._found.size, self._place + size)
        start, data = self._buffer
        if not (start <= self._place and end <= start + len(data)):
            first = min(self._place, max(0, self._found.size - READ_AHEAD))
            start = self._place if end - self._place > READ_AHEAD else first
            data = self._objects.read(self._found, start, max(end, min(self._found.size, start + READ_AHEAD)))
            self._buffer = (start, data)
        found = data[self._place - start : end - start]
        self._place = end
        return found


def opened(chunk: Chunk, objects: Objects) -> pq.ParquetFile:
    """Open a Parquet object. Raises InputError if it is none."""
    file = Ranges(Found(chunk.url, chunk.size, chunk.etag), objects)
    try:
        return pq.ParquetFile(pa.PythonFile(file, mode="r"), pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{chunk.url} is no Parquet file: {str(error).splitlines()[0]:.200}") from None


def cut_parquet(whole: Chunk, request: BatchRequest, objects: Objects, rows: int) -> Iterator[Chunk]:
    """Return chunks of whole row groups with about `rows` rows; a large row group is divided by rows.

    In a divided group, `start` is the number of its rows before the chunk.
    """
    file = opened(whole, objects)
    names = file.schema_arrow.names
    for name in (request.key, *request.passed):
        if name not in names:
            raise InputError(f"{whole.url} has no column {name!r:.100}: its columns are {', '.join(names[:20]):.300}")
    first_row = first = count = 0
    for group in range(file.metadata.num_row_groups):
        size = file.metadata.row_group(group).num_rows
        if size > 2 * rows:
            if count:
                yield whole._replace(first_row=first_row, rows=count, groups=(first, group))
                first_row, count = first_row + count, 0
            for start in range(0, size, rows):
                here = min(rows, size - start)
                yield whole._replace(first_row=first_row, rows=here, groups=(group, group + 1), start=start)
                first_row += here
            first = group + 1
            continue
        count += size
        if count >= rows:
            yield whole._replace(first_row=first_row, rows=count, groups=(first, group + 1))
            first_row, count, first = first_row + count, 0, group + 1
    if count:
        yield whole._replace(first_row=first_row, rows=count, groups=(first, file.metadata.num_row_groups))


def read_parquet(
    chunk: Chunk, request: BatchRequest, objects: Objects, rows: int, fields: frozenset[str] | None
) -> Iterator[Piece]:
    """Read the pieces of a chunk.

    Values become JSON values: dates and times ISO 8601 texts, decimals texts, NaN stays (the contract decides). Raises
    InputError if a page is damaged.
    """
    file = opened(chunk, objects)
    names = file.schema_arrow.names
    wanted = [
        name for name in names if name not in {request.key, *request.passed} and (fields is None or name in fields)
    ]
    wanted += [name for name in (request.key, *request.passed) if fields is not None and name in fields]
    read = list(dict.fromkeys([request.key, *request.passed, *wanted]))
    is_nested = any(pa.types.is_nested(file.schema_arrow.field(name).type) for name in wanted)
    first, skip, left = chunk.first_row, chunk.start, chunk.rows or 0
    groups = list(range(*(chunk.groups or (0, 0))))
    try:
        for batch in file.iter_batches(batch_size=rows, row_groups=groups, columns=read, use_threads=False):
            if skip >= batch.num_rows:
                skip -= batch.num_rows
                continue
            part = batch.slice(skip, left)
            skip = 0
            if not part.num_rows:
                return
            columns = {name: _values(part.column(name)) for name in read}
            piece = Piece(first, *take_keys(columns[request.key], {name: columns[name] for name in request.passed}))
            here = {name: columns[name] for name in wanted}
            if is_nested:
                piece.rows = [dict(zip(here, row, strict=True)) for row in zip(*here.values(), strict=True)]
            else:
                piece.columns = here
            yield piece
            first, left = first + part.num_rows, left - part.num_rows
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{chunk.url} cannot be read: {str(error).splitlines()[0]:.200}") from None


def _values(column: pa.Array) -> list[Any]:
    """Return a column's values as JSON values."""
    kind = column.type
    values: list[Any] = column.to_pylist()
    is_simple = (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
    )
    return values if is_simple else [_value(value) for value in values]


def _value(value: Any) -> Any:
    if isinstance(value, datetime.date | datetime.time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, list):
        return [_value(each) for each in value]
    if isinstance(value, dict):
        return {name: _value(each) for name, each in value.items()}
    return value if isinstance(value, str | int | float | bool | None) else str(value)
