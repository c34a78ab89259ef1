"""Find the keys that repeat among all chunks of a batch, in steps that are kept, so that calls go on where one stopped.

The key files do not change any more when the check begins, because every chunk is done; so what is found holds for
later attempts too. The digests are read part by part: a part has the digests that begin with certain bytes.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from modelet.batch.files import read_file
from modelet.batch.fold import Fold
from modelet.batch.keys import BYTES, ENTRY, INDEX, INDEX_BYTES, place_of_entries
from modelet.batch.winners import Winners, to_bytes
from modelet.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from modelet.batch.budget import Budget
    from modelet.batch.chunk import Chunk
    from modelet.batch.files import BatchFiles
    from modelet.batch.fold import Entries, Repeated
    from modelet.store.objects import Objects

SHARE = 9
"""A part has a ninth of the worker's memory at most: the check needs 2.0 bytes of memory for each byte of entries, and
4.7 if every key repeats (measured with tracemalloc for 2,000,000 entries), so that half of the memory suffices."""
READERS = 32
"""Requests at one time: they are small, and wait for the store most of their time."""
GROUP = 1_000
"""Chunks whose indexes are read in one step and kept in one file."""
AT_ONCE = 1_024
"""Reads that are handed to the readers at once, so that a failure is noticed soon."""


class KeyCheck:
    """The check of one batch. chunks: all of them, in the order of the plan. memory_mb: the worker's."""

    def __init__(self, files: BatchFiles, chunks: Sequence[Chunk], objects: Objects, memory_mb: int) -> None:
        self._files = files
        self._objects = objects
        self._urls = [files.keys(chunk.number) for chunk in chunks]
        self._memory_mb = memory_mb
        self._most = memory_mb * 2**20 // SHARE // ENTRY.itemsize

    def run(self, budget: Budget) -> bool:
        """Do the steps that are missing. Returns whether all are done; if not, call again.

        Raises RequestError for keys that do not fit into memory or files that changed, FileNotFoundError for those that
        are gone, StoreError if the store does not answer.
        """
        done = {found.url for found in self._objects.below(self._files.repeats)}
        parts = self._parts() if self._files.parts in done else None
        missing = [part for part in parts or [] if self._files.repeated(*part) not in done]
        if parts is not None and not missing:
            return True
        index = self._index(done, budget)
        if index is None:
            return False
        if parts is None:
            missing = plan_parts(np.diff(index.sum(axis=0, dtype=np.int64)), self._most)
            self._objects.put(self._files.parts, json.dumps(missing).encode())
        for part in missing:
            if not budget.has_room():
                return False
            found = to_bytes(self._check(part, index), len(self._urls))
            self._objects.put(self._files.repeated(*part), found)
        return True

    def result(self) -> Winners:
        """Return what repeats, when all steps are done."""
        return Winners([self._files.repeated(*part) for part in self._parts()], len(self._urls), self._read)

    def _parts(self) -> list[tuple[int, int]]:
        parts: list[tuple[int, int]] = [
            (first, end) for first, end in json.loads(read_file(self._objects, self._files.parts))
        ]
        return parts

    def _read(self, url: str, start: int, end: int) -> bytes:
        """Return a range of one of the batch's files. Raises RequestError if it is not there."""
        data = read_file(self._objects, url, start, end)
        if len(data) != end - start:
            raise _changed(url)
        return data

    def _index(self, done: set[str], budget: Budget) -> NDArray[np.uint32] | None:
        """Return the indexes of all key files, a row for each; None if the time does not suffice."""
        groups = []
        for number, start in enumerate(range(0, len(self._urls), GROUP)):
            urls, kept = self._urls[start : start + GROUP], self._files.key_index(number)
            if kept in done:
                data = self._read(kept, 0, len(urls) * INDEX_BYTES)
            elif budget.has_room():
                with ThreadPoolExecutor(READERS) as pool:
                    data = b"".join(pool.map(lambda url: self._read(url, 0, INDEX_BYTES), urls))
                self._objects.put(kept, data)
            else:
                return None
            groups.append(np.frombuffer(data, INDEX).astype(np.uint32).reshape(-1, BYTES + 1))
        return np.concatenate(groups)

    def _check(self, part: tuple[int, int], index: NDArray[np.uint32]) -> Repeated:
        """Check a part, in rounds if a single byte has more entries than there is room for."""
        first, end = part
        starts = index[:, first].astype(np.int64)
        before = np.append(0, np.cumsum(index[:, end] - starts))
        total = int(before[-1])
        fold, at = Fold(), 0
        while at < total:
            room = self._most - fold.kept
            if 2 * room < self._most:
                raise RequestError(
                    f"the batch has more different keys than {self._memory_mb} MB of memory can check: raise "
                    "worker.memory_mb, deploy, and start a new batch"
                )
            count = min(room, total - at)
            work = fold.begin(count)
            self._fill(work[len(work) - count :], part, list(_reads(before, starts, at, at + count)))
            at += count
            fold.end(work, is_last=at == total)
            del work
        return fold.result()

    def _fill(self, work: Entries, part: tuple[int, int], reads: Sequence[tuple[int, int, int, int]]) -> None:
        """Read entries into their places."""

        def fill(read: tuple[int, int, int, int]) -> None:
            chunk, start, end, to = read
            entries = np.frombuffer(self._read(self._urls[chunk], *place_of_entries(start, end)), ENTRY)
            high = entries["high"]
            if int(high[0]) >> 56 < part[0] or int(high[-1]) >> 56 >= part[1]:
                raise _changed(self._urls[chunk])
            place = work[to : to + end - start]
            place["high"], place["low"], place["row"], place["chunk"] = high, entries["low"], entries["row"], chunk

        with ThreadPoolExecutor(READERS) as pool:
            for start in range(0, len(reads), AT_ONCE):
                list(pool.map(fill, reads[start : start + AT_ONCE]))


def plan_parts(sizes: NDArray[np.int64], most: int) -> list[tuple[int, int]]:
    """Divide the first bytes into ranges, whose entries are at most `most`. sizes: the entries of each byte.

    A single byte is never divided: it is checked in rounds.
    """
    parts, first, total = [], 0, 0
    for byte, size in enumerate(map(int, sizes)):
        if byte > first and total + size > most:
            parts.append((first, byte))
            first, total = byte, 0
        total += size
    return [*parts, (first, len(sizes))]


def _reads(
    before: NDArray[np.int64], starts: NDArray[np.int64], at: int, end: int
) -> Iterator[tuple[int, int, int, int]]:
    """Yield the reads of a round: chunk, first entry, entry behind the last one, and the place in the round.

    before: the entries of the part before each chunk. starts: the first entry of the part in each chunk's file. at,
    end: the entries of the part that belong to the round.
    """
    chunk = int(np.searchsorted(before, at, "right")) - 1
    to = 0
    while at + to < end:
        count = min(end, int(before[chunk + 1])) - at - to
        if count:
            start = int(starts[chunk]) + at + to - int(before[chunk])
            yield chunk, start, start + count, to
        to += count
        chunk += 1


def _changed(url: str) -> RequestError:
    return RequestError(f"{url}, a file of the batch, was changed from outside: start a new batch")
