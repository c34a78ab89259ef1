"""Receives a file in parts: each is put in its place as it arrives, and all are hashed in their order."""

from __future__ import annotations

import os
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Protocol

from modelet.threads import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Buffer

    from modelet.digest import DigestCheck

PART = 4 * 1024 * 1024
"""Bytes of one request."""

WINDOW = 24
"""Parts that are asked for at once: S3 sends some 80 MB a second over one connection, and keeps its first byte back."""

READ = 1024 * 1024
"""Bytes that are read again at once."""


class Place(Protocol):
    """A file that is being received; several threads may put parts that do not overlap."""

    def put(self, start: int, data: Buffer) -> None:
        """Keep bytes from an offset on."""

    def parts(self, start: int, end: int) -> Iterator[Buffer]:
        """What was put between two offsets; a part is good until the next one is asked for."""


class InMemory:
    """A file of so many bytes in memory, once: joining parts would take it twice."""

    def __init__(self, size: int) -> None:
        self._file = BytesIO()
        self._file.seek(size - 1)
        self._file.write(b"\0")
        self._view = self._file.getbuffer()

    def put(self, start: int, data: Buffer) -> None:
        """Keep bytes from an offset on."""
        part = memoryview(data)
        self._view[start : start + part.nbytes] = part

    def parts(self, start: int, end: int) -> Iterator[Buffer]:
        """What was put between two offsets."""
        yield self._view[start:end]

    def whole(self) -> bytes:
        """All of it, at the end."""
        self._view.release()
        return self._file.getvalue()  # its own bytes: CPython copies them only where somebody still writes


class OnDisk:
    """A new file of so many bytes at a path. Raises OSError where it cannot be made, or the disk has no room for it.

    It is closed when nobody holds it any more: threads whose parts came too late may still be writing.
    """

    def __init__(self, path: str | os.PathLike[str], size: int) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        # All room at once: a disk that is too small says so before anything is fetched, and writing takes less time.
        if size and hasattr(os, "posix_fallocate"):  # macOS has none
            os.posix_fallocate(self._descriptor, 0, size)

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)

    def put(self, start: int, data: Buffer) -> None:
        """Keep bytes from an offset on."""
        left = memoryview(data)
        while left:
            written = os.pwrite(self._descriptor, left, start)
            left, start = left[written:], start + written

    def parts(self, start: int, end: int) -> Iterator[Buffer]:
        """What was put between two offsets: from the page cache, where it still is."""
        buffer = memoryview(bytearray(min(READ, end - start)))
        while start < end and (found := os.preadv(self._descriptor, [buffer[: end - start]], start)):
            yield buffer[:found]
            start += found


def receive(chunks: Callable[[int, int], Iterator[Buffer]], check: DigestCheck, size: int, place: Place) -> None:
    """Put a file of so many bytes in its place and hash it.

    chunks: asks for the bytes between two offsets, and gives them as they come. Raises what it raises.
    """
    starts = range(0, size, PART)
    parts = (partial(_part, chunks, place, start, min(size, start + PART)) for start in starts)
    for start, end in in_order(parts, at_once=WINDOW):
        for data in place.parts(start, end):
            check.update(data)


def _part(chunks: Callable[[int, int], Iterator[Buffer]], place: Place, start: int, end: int) -> tuple[int, int]:
    """Put one part in its place, a chunk at a time; from where to where it came."""
    at = start
    for chunk in chunks(start, end):
        place.put(at, chunk)
        at += memoryview(chunk).nbytes
    return start, at
