"""The writer of `load: import`: a gzip file of items for DynamoDB's ImportTable, one object a chunk."""

from __future__ import annotations

import zlib
from functools import lru_cache
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

import numpy as np

from modelet.batch.outputs.row import IN_MEMORY
from modelet.batch.outputs.table_writer import TableWriter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

    from modelet.batch.outputs.row import Encoded, Puts

LEVEL = 1
"""The level of gzip: a higher one takes several times the CPU, and ImportTable counts uncompressed bytes."""
GZIP = 31
"""zlib's number for gzip with the largest window; its header has no time, so that equal rows give equal bytes."""
BLOCK_ROWS = 10_000
BLOCK_BYTES = 8 * 2**20
"""A block is shuffled in memory and ends at either of these."""


class ImportWriter(TableWriter):
    """Writes one chunk's items as DynamoDB JSON, a line each, and puts them as one object when it is closed.

    objects, url: where the object goes. Nothing is put without items, because ImportTable needs none. Lines are
    shuffled in blocks, always in the same way, because ImportTable writes sorted keys to one partition after the other.
    """

    def __init__(
        self,
        objects: Puts,
        url: str,
        generation: str,
        *,
        expires_at: int | None = None,
        source: str = "batch",
        block_rows: int = BLOCK_ROWS,
    ) -> None:
        super().__init__(generation, expires_at=expires_at, source=source)
        self._objects, self._url = objects, url
        self._block: list[bytes] = []
        self._block_bytes = 0
        self._block_rows = block_rows
        self._file = _GzipFile()

    def write_encoded(self, encoded: Iterable[Encoded]) -> None:
        """Take rows with their items."""
        block = self._block
        for _row, item in encoded:
            self.rows += 1
            block.append(item)
            self._block_bytes += len(item)
            if len(block) >= self._block_rows or self._block_bytes > BLOCK_BYTES:
                self._end_block()

    def close(self) -> None:
        """Put the object. Raises StoreError if it cannot be put."""
        try:
            self._end_block()
            if self.rows:
                self._objects.put(self._url, self._file.finish())
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Drop everything. For a chunk that failed."""
        self._file.close()

    def _end_block(self) -> None:
        shuffled = map(self._block.__getitem__, _order(len(self._block)))
        self._file.write(b"".join([b'{"Item":' + item + b"}\n" for item in shuffled]))
        self._block.clear()
        self._block_bytes = 0


@lru_cache(maxsize=4)
def _order(count: int) -> list[int]:
    """Return the places of a block's rows in an order that is the same each time; all blocks but the last are alike."""
    found: list[int] = np.random.default_rng(0).permutation(count).tolist()
    return found


class _GzipFile:
    """A gzip file that grows in memory and then on disk. Python's own has the time in its header."""

    def __init__(self) -> None:
        self._file: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - its owner closes it
        self._gzip = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)

    def write(self, data: bytes) -> None:
        self._file.write(self._gzip.compress(data))

    def finish(self) -> bytes:
        """Return the whole file."""
        self._file.write(self._gzip.flush())
        self._file.seek(0)
        return self._file.read()

    def close(self) -> None:
        self._file.close()
