"""Open a Parquet object, of which only the ranges that are needed are read."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow.parquet import ParquetFile

from modelet.batch.inputs.values import is_readable
from modelet.store.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.batch.inputs.assemble import Roles
    from modelet.store.objects import Found, Objects

AT_ONCE_BYTES = 64 * 1024 * 1024
"""Compressed bytes of row groups that are read in a few large requests; larger groups are read page by page."""
PAGES_BYTES = 1024 * 1024
"""Bytes of one column that are read at once from a large group."""


class RangeFile(io.RawIOBase):
    """An object as a file for pyarrow; each `read` is a request for a range."""

    def __init__(self, found: Found, objects: Objects) -> None:
        super().__init__()
        self._found = found
        self._objects = objects
        self._place = 0

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
        """Move, as a file does."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._found.size}[whence]
        self._place = origin + offset
        return self._place

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; all that are left if it is negative."""
        end = self._found.size if size < 0 else min(self._place + size, self._found.size)
        data = self._objects.read(self._found, self._place, end)
        self._place += len(data)
        return data


def open_parquet(found: Found, objects: Objects, roles: Roles) -> Any:
    """Open an object as a ParquetFile.

    Raises InputError if it is no Parquet file, or if a column that is read is of a type that cannot be.
    """
    with parquet_errors(found.url):
        file = ParquetFile(RangeFile(found, objects))
        for field in file.schema_arrow:
            if roles.is_read(field.name) and not is_readable(field.type):
                raise InputError(
                    f"{found.url}: column {field.name!r} is of type {field.type}: write it as texts or numbers"
                )
    return file


def open_groups(found: Found, objects: Objects, footer: Any, groups: range) -> Any:
    """Return a ParquetFile that reads these row groups with bounded memory."""
    parts = [footer.row_group(group) for group in groups]
    size = sum(part.column(place).total_compressed_size for part in parts for place in range(part.num_columns))
    is_small = size <= AT_ONCE_BYTES
    source = RangeFile(found, objects)
    return ParquetFile(source, metadata=footer, pre_buffer=is_small, buffer_size=0 if is_small else PAGES_BYTES)


@contextmanager
def parquet_errors(url: str) -> Iterator[None]:
    """Convert pyarrow's exceptions, and those of names that are not UTF-8, to InputError with one line."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{url} cannot be read as Parquet ({reason}): correct its name or `format`, or write it again"
        ) from None
