"""The writer of `load: import`: a gzip file of items for DynamoDB's ImportTable, one object a chunk."""

from __future__ import annotations

import random
import zlib
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

import orjson

from modelet.batch.outputs.items import Items, digest
from modelet.batch.outputs.row import IN_MEMORY, Rejected
from modelet.batch.table import PREDICTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import IO, Self

    from modelet.batch.outputs.row import Puts, Row

SUFFIX = ".json.gz"
LEVEL = 1
"""The level of gzip: a higher one takes several times the CPU, and ImportTable counts uncompressed bytes."""
GZIP = 31
"""zlib's number for gzip with the largest window; its header has no time, so that equal rows give equal bytes."""
BLOCK_ROWS = 10_000
BLOCK_BYTES = 8 * 2**20
"""A block is shuffled in memory and ends at either of these."""


class ImportWriter:
    """Writes one chunk's items as DynamoDB JSON, a line each, and puts them as one object when it is closed.

    objects, url: where the object goes. Nothing is put without items, because ImportTable needs none. Lines are
    shuffled in blocks, always in the same way, because ImportTable writes sorted keys to one partition after the other.
    Of rows with one key the last stays.
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
        self.rows = self.repeats = 0
        self._objects, self._url = objects, url
        self._items = Items(generation, expires_at=expires_at, source=source)
        self._block: dict[bytes, bytes] = {}
        self._block_bytes = 0
        self._block_rows = block_rows
        self._seen: set[bytes] = set()
        self._last: dict[bytes, int] = {}  # for keys in several blocks: the line that stays
        self._lines = 0
        self._file = _GzipFile()
        self._order = random.Random(0)  # noqa: S311 - spreads keys

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, /, *_raised: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def write(self, rows: Sequence[Row]) -> list[Rejected]:
        """Take rows, and return those that cannot be items."""
        rejected = []
        for row in rows:
            item = self._items.encode(row)
            if isinstance(item, Rejected):
                rejected.append(item)
                continue
            self.rows += 1
            self._block[digest(row.key)] = item
            self._block_bytes += len(item)
            if len(self._block) >= self._block_rows or self._block_bytes > BLOCK_BYTES:
                self._end_block()
        return rejected

    def close(self) -> None:
        """Put the object. Raises StoreError if it cannot be put."""
        try:
            self._end_block()
            if self._last:
                self._keep_last()
            self.repeats = self.rows - len(self._seen)
            if self._seen:
                self._objects.put(self._url, self._file.finish())
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Drop everything. For a chunk that failed."""
        self._file.close()

    def _end_block(self) -> None:
        block = list(self._block.items())
        self._order.shuffle(block)
        for line, (mark, _item) in enumerate(block, self._lines):
            if mark in self._seen:
                self._last[mark] = line
        self._seen.update(self._block)
        self._lines += len(block)
        self._file.write(b"".join(b'{"Item":' + item + b"}\n" for _mark, item in block))
        self._block, self._block_bytes = {}, 0

    def _keep_last(self) -> None:
        """Write the file again without the lines that a later block replaces."""
        given, self._file = self._file, _GzipFile()
        try:
            for number, line in enumerate(given.lines()):
                mark = digest(orjson.loads(line)["Item"][PREDICTIONS.partition]["S"])
                if self._last.get(mark, number) == number:
                    self._file.write(line)
        finally:
            given.close()


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

    def lines(self) -> Iterator[bytes]:
        """End the file, and yield its lines without ever having all of them in memory."""
        self._file.write(self._gzip.flush())
        self._file.seek(0)
        unzip, rest = zlib.decompressobj(GZIP), b""
        while block := self._file.read(2**16):
            *lines, rest = (rest + unzip.decompress(block)).split(b"\n")
            yield from (line + b"\n" for line in lines)

    def close(self) -> None:
        self._file.close()
