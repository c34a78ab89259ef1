"""The digests of a chunk's keys, from which the keys that repeat in the input of a batch are found.

A chunk writes one file: the digests and row numbers of its keys, sorted by the first half of the digest, behind an
index by its first byte. So the digests with the same first byte can be read from each file with one request.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from modelet.batch.outputs.items import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

BYTES = 256
"""The number of first bytes."""
ENTRY = np.dtype([("high", ">u8"), ("low", ">u8"), ("row", ">u8")])
INDEX = np.dtype(">u4")
INDEX_BYTES = (BYTES + 1) * INDEX.itemsize


class KeyDigests:
    """The digests of the keys of one chunk."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._rows = array("Q")

    def add(self, keys: Sequence[str], rows: Sequence[int]) -> None:
        """Add keys and the numbers of their rows."""
        self._parts.append(b"".join(map(digest, keys)))
        self._rows.extend(rows)

    def to_bytes(self) -> bytes:
        """Return the file: 257 offsets of entries by the first byte of the digest, then the sorted entries."""
        halves = np.frombuffer(b"".join(self._parts), dtype=">u8").reshape(-1, 2)
        entries = np.empty(len(halves), dtype=ENTRY)
        entries["high"], entries["low"], entries["row"] = halves[:, 0], halves[:, 1], self._rows
        entries = entries[np.argsort(halves[:, 0].astype(np.uint64))]
        bounds = np.arange(BYTES + 1, dtype=np.float64) * 2.0**56
        index = np.searchsorted(entries["high"].astype(np.uint64), bounds[:BYTES].astype(np.uint64))
        return np.append(index, len(entries)).astype(INDEX).tobytes() + entries.tobytes()


def place_of_entries(start: int, end: int) -> tuple[int, int]:
    """Return the bytes of a range of entries in the file."""
    return INDEX_BYTES + start * ENTRY.itemsize, INDEX_BYTES + end * ENTRY.itemsize
