"""Release the memory that loading used and freed."""

from __future__ import annotations

import ctypes


def release_free_memory() -> None:
    """Return freed memory to the operating system; glibc would keep it.

    Source: man 3 malloc_trim.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl and macOS do not have it
    if trim is not None:
        trim(0)
