"""The digests of a batch's keys, which show the keys that repeat in its input.

A chunk writes one file: the row numbers and digests of its keys, sorted by the first half of the digest, behind an
index by its first byte. The check reads one part of the digests after another, which bounds its memory.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

ENTRY = np.dtype([("high", ">u8"), ("low", ">u8"), ("row", ">u8")])
INDEX = np.dtype(">u4")
INDEX_BYTES = 257 * INDEX.itemsize
PART_BYTES = 256 * 1024 * 1024
"""Bytes of digests that the check holds at one time."""
READERS = 16


class Repeated(NamedTuple):
    """Rows whose key another, later row has as well.

    total: their number. places: the chunk and the row in its object of the row that wins, the last one, for each key
    that repeats. examples: at most ten pairs of (chunk, row) of a row and of a later one with the same key.
    """

    total: int
    places: NDArray[np.uint64]
    examples: list[tuple[tuple[int, int], tuple[int, int]]]


class KeyDigests:
    """The digests of the keys of one chunk."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._rows: list[int] = []

    def add(self, keys: Sequence[str], rows: Sequence[int]) -> None:
        """Add keys and the numbers of their rows."""
        digest = hashlib.blake2b
        self._parts.append(
            b"".join([digest(key.encode("utf-8", "surrogatepass"), digest_size=16).digest() for key in keys])
        )
        self._rows += rows

    def to_bytes(self) -> bytes:
        """Return the file: 257 offsets of entries by the first byte of the digest, then the sorted entries."""
        halves = np.frombuffer(b"".join(self._parts), dtype=">u8").reshape(-1, 2)
        entries = np.empty(len(halves), dtype=ENTRY)
        entries["high"], entries["low"], entries["row"] = halves[:, 0], halves[:, 1], self._rows
        entries = entries[np.argsort(halves[:, 0].astype(np.uint64))]
        bounds = np.arange(257, dtype=np.float64) * 2.0**56
        index = np.searchsorted(entries["high"].astype(np.uint64), bounds[:256].astype(np.uint64))
        return np.append(index, len(entries)).astype(INDEX).tobytes() + entries.tobytes()


def find_repeated(urls: Sequence[tuple[int, str]], read: Callable[[str, int, int | None], bytes]) -> Repeated:
    """Find the keys that repeat. urls: the number of each chunk and the URL of its file."""
    numbers = np.array([number for number, _ in urls], dtype=np.uint64)
    with ThreadPoolExecutor(READERS) as pool:
        heads = list(pool.map(lambda each: np.frombuffer(read(each[1], 0, INDEX_BYTES), INDEX), urls))
        indexes = np.array(heads, dtype=np.int64).reshape(-1, 257)
        count, winners = 0, []
        examples: list[tuple[tuple[int, int], tuple[int, int]]] = []
        for first, end in _parts(indexes):
            starts, ends = indexes[:, first], indexes[:, end]
            busy = np.flatnonzero(ends > starts)
            found = pool.map(
                lambda i, a=starts, b=ends: np.frombuffer(
                    read(
                        urls[i][1],
                        INDEX_BYTES + int(a[i]) * ENTRY.itemsize,
                        INDEX_BYTES + int(b[i]) * ENTRY.itemsize,
                    ),
                    ENTRY,
                ),
                busy,
            )
            arrays = list(found)
            if not arrays:
                continue
            entries = np.concatenate(arrays)
            chunks = np.repeat(numbers[busy], [len(array) for array in arrays])
            high, low, row = (entries[name].astype(np.uint64) for name in ("high", "low", "row"))
            order = np.lexsort((row, chunks, low, high))
            high, low, row, chunks = high[order], low[order], row[order], chunks[order]
            same = (high[1:] == high[:-1]) & (low[1:] == low[:-1])
            count += int(same.sum())
            last = np.flatnonzero(np.append(~same, True) & np.append(False, same))
            winners.append(np.stack([chunks[last], row[last]], axis=1))
            for place in np.flatnonzero(same)[: max(0, 10 - len(examples))]:
                pair = [(int(chunks[i]), int(row[i])) for i in (place, place + 1)]
                examples.append((pair[0], pair[1]))
    places = np.concatenate(winners) if winners else np.empty((0, 2), np.uint64)
    return Repeated(count, places, examples)


def _parts(indexes: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Divide the 256 first bytes into ranges whose entries fit into `PART_BYTES`; a single byte is never divided."""
    sizes = np.diff(indexes, axis=1).sum(axis=0) * ENTRY.itemsize
    first = 0
    while first < 256:
        end, total = first + 1, int(sizes[first])
        while end < 256 and total + int(sizes[end]) <= PART_BYTES:
            total += int(sizes[end])
            end += 1
        yield first, end
        first = end
