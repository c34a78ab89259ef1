"""Download a file in parts: write each part as it arrives, and hash all in order."""

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
"""Parts that are requested at once: S3 sends some 80 MB/s over one connection, and its first byte takes a while."""

READ = 1024 * 1024
"""Bytes that are read back at once."""


class Target(Protocol):
    """The target of a download; several threads may write parts that do not overlap."""

    def write(self, start: int, data: Buffer) -> None:
        """Write bytes at an offset."""

    def parts(self, start: int, end: int) -> Iterator[Buffer]:
        """Yield the bytes between two offsets; a part is valid until the next one is requested."""


class InMemory:
    """A download of `size` bytes to memory, allocated once: joining parts would need twice the memory."""

    def __init__(self, size: int) -> None:
        self._file = BytesIO()
        self._file.seek(size - 1)
        self._file.write(b"\0")
        self._view = self._file.getbuffer()

    def write(self, start: int, data: Buffer) -> None:
        """Write bytes at an offset."""
        part = memoryview(data)
        self._view[start : start + part.nbytes] = part

    def parts(self, start: int, end: int) -> Iterator[Buffer]:
        """Yield the bytes between two offsets."""
        yield self._view[start:end]

    def whole(self) -> bytes:
        """Return all bytes; call this once, at the end."""
        self._view.release()
        return self._file.getvalue()  # not a copy: CPython copies only if there is another reference


class OnDisk:
    """A download of `size` bytes to a new file. Raises OSError if it cannot be created or the disk is full.

    The file is closed when the object is deleted, because threads with late parts may still write to it.
    """

    def __init__(self, path: str | os.PathLike[str], size: int) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        # Allocating all space now reports a full disk before the download, and makes writing faster.
        if size and hasattr(os, "posix_fallocate"):  # macOS does not have it
            os.posix_fallocate(self._descriptor, 0, size)

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)

    def write(self, start: int, data: Buffer) -> None:
        """Write bytes at an offset."""
        left = memoryview(data)
        while left:
            written = os.pwrite(self._descriptor, left, start)
            left, start = left[written:], start + written

    def parts(self, start: int, end: int) -> Iterator[Buffer]:
        """Yield the bytes between two offsets, which are usually still in the page cache."""
        buffer = memoryview(bytearray(min(READ, end - start)))
        while start < end and (found := os.preadv(self._descriptor, [buffer[: end - start]], start)):
            yield buffer[:found]
            start += found


def download(chunks: Callable[[int, int], Iterator[Buffer]], check: DigestCheck, size: int, target: Target) -> None:
    """Write a file of `size` bytes to its target and hash it.

    chunks: requests the bytes between two offsets and yields them as they arrive. Raises the errors of `chunks`.
    """
    starts = range(0, size, PART)
    parts = (partial(_download_part, chunks, target, start, min(size, start + PART)) for start in starts)
    for start, end in in_order(parts, at_once=WINDOW):
        for data in target.parts(start, end):
            check.update(data)


def _download_part(
    chunks: Callable[[int, int], Iterator[Buffer]], target: Target, start: int, end: int
) -> tuple[int, int]:
    """Write one part to the target, chunk by chunk; return the offsets of its start and its end."""
    at = start
    for chunk in chunks(start, end):
        target.write(at, chunk)
        at += memoryview(chunk).nbytes
    return start, at
