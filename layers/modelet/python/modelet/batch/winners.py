"""What repeats in a batch: one file for each part of the digests, with the rows that win in the order of the plan."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from modelet.batch.fold import MOST_EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from modelet.batch.fold import Place, Repeated

HEAD = np.dtype([("total", ">u8"), ("examples", ">u8"), ("pairs", ">u8", (MOST_EXAMPLES, 2, 2))])
OFFSET = np.dtype(">u4")
ROW = np.dtype(">u8")
READERS = 16
MOST_LOADED = 2**20
"""Winners that are in memory at one time, unless one chunk has more: 8 MB."""


def to_bytes(repeated: Repeated, chunks: int) -> bytes:
    """Return a part's file: its count and examples; then, if a key repeats, the number of winners before each chunk,
    and the rows of the winners.
    """
    head = np.zeros(1, HEAD)
    head["total"], head["examples"] = repeated.total, len(repeated.examples)
    if not repeated.total:
        return head.tobytes()
    head["pairs"][0, : len(repeated.examples)] = repeated.examples
    offsets = np.searchsorted(repeated.winners[:, 0], np.arange(chunks + 1, dtype=np.uint64))
    return head.tobytes() + offsets.astype(OFFSET).tobytes() + repeated.winners[:, 1].astype(ROW).tobytes()


class Winners:
    """The rows that win, of all parts. urls: the parts' files. chunks: how many. read: returns a range of a file."""

    def __init__(self, urls: Sequence[str], chunks: int, read: Callable[[str, int, int], bytes]) -> None:
        self._chunks = chunks
        self._read = read
        heads = np.frombuffer(b"".join(self._each(urls, 0, HEAD.itemsize)), HEAD)
        self.total = int(heads["total"].sum())
        """The number of rows whose key a later row has too."""
        self._heads = heads[heads["total"] > 0]
        self._urls = [url for url, total in zip(urls, heads["total"], strict=True) if total]
        self._first = self._end = 0
        self._rows: NDArray[np.uint64] = np.empty(0, np.uint64)

    @property
    def examples(self) -> list[tuple[Place, Place]]:
        """At most ten pairs of a row and of a later one with the same key."""
        pairs = [pair for head in self._heads for pair in head["pairs"][: int(head["examples"])].tolist()]
        return [((first[0], first[1]), (second[0], second[1])) for first, second in pairs[:MOST_EXAMPLES]]

    @property
    def count(self) -> int:
        """The number of rows that win: one for each key that repeats."""
        return int(self._before[-1])

    def chunk_of(self, number: int) -> int:
        """Return the place of the chunk that has the winner of this number, from 0 in the order of the plan."""
        return int(np.searchsorted(self._before, number, "right")) - 1

    def rows_from(self, number: int) -> NDArray[np.uint64]:
        """Return the rows of the winner of this number and of those after it in the same chunk, ascending."""
        place = self.chunk_of(number)
        if not self._first <= place < self._end:
            self._load(place)
        before = int(self._before[self._first])
        return self._rows[number - before : int(self._before[place + 1]) - before]

    @cached_property
    def _offsets(self) -> NDArray[np.uint32]:
        """For each part, the number of winners before each chunk."""
        size = (self._chunks + 1) * OFFSET.itemsize
        data = b"".join(self._each(self._urls, HEAD.itemsize, HEAD.itemsize + size))
        return np.frombuffer(data, OFFSET).astype(np.uint32).reshape(-1, self._chunks + 1)

    @cached_property
    def _before(self) -> NDArray[np.int64]:
        """For each chunk, and behind the last one, the number of winners before it."""
        before: NDArray[np.int64] = self._offsets.sum(axis=0, dtype=np.int64)
        return before

    def _load(self, place: int) -> None:
        """Load the winners of a chunk, and of as many after it as there is room for."""
        most = int(self._before[place]) + MOST_LOADED
        end = max(place + 1, int(np.searchsorted(self._before, most, "right")) - 1)
        behind = HEAD.itemsize + (self._chunks + 1) * OFFSET.itemsize
        rows, chunks = [], []
        for url, offsets in zip(self._urls, self._offsets, strict=True):
            start, stop = int(offsets[place]), int(offsets[end])
            if start < stop:
                rows.append(self._read(url, behind + start * ROW.itemsize, behind + stop * ROW.itemsize))
                chunks.append(np.repeat(np.arange(place, end), np.diff(offsets[place : end + 1])))
        found = np.frombuffer(b"".join(rows), ROW).astype(np.uint64)
        self._rows = found[np.lexsort((found, np.concatenate(chunks)))]
        self._first, self._end = place, end

    def _each(self, urls: Sequence[str], start: int, end: int) -> list[bytes]:
        with ThreadPoolExecutor(READERS) as pool:
            return list(pool.map(lambda url: self._read(url, start, end), urls))
