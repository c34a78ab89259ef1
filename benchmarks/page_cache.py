"""Evict files from the kernel's page cache before a cold start, and measure how much of them is still cached.

Only clean pages that no process has mapped are evicted, so the files of this process stay cached.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]


def below(folders: Iterable[Path]) -> list[Path]:
    """Return every regular file in some folders, each once."""
    found = {path for folder in folders for path in folder.resolve().rglob("*")}
    sizes = {path: path.lstat() for path in found}
    return sorted(path for path, known in sizes.items() if stat.S_ISREG(known.st_mode) and known.st_size)


def evict(files: Iterable[Path]) -> None:
    """Ask the kernel to drop the cached pages of files."""
    for path in files:
        with _opened(path) as handle:
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)


def cached_share(files: Iterable[Path]) -> float:
    """Return the cached share of some files, from 0 to 1, by pages. Raises OSError. Source: man 2 mincore."""
    resident = total = 0
    for path in files:
        with _opened(path) as handle:
            size = os.fstat(handle).st_size
            address = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, handle, 0)
            if address in (None, ctypes.c_void_p(-1).value):
                raise OSError(ctypes.get_errno(), "mmap", str(path))
            pages = -(-size // mmap.PAGESIZE)
            states = ctypes.create_string_buffer(pages)
            failed = libc.mincore(address, size, states)
            libc.munmap(address, size)
            if failed:
                raise OSError(ctypes.get_errno(), "mincore", str(path))
        resident += sum(state & 1 for state in states.raw)
        total += pages
    return resident / total if total else 0.0


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)
