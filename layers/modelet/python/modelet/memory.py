"""Gives memory back that loading has used and the process would keep."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Let the C library return what is free to the system: glibc would keep it for a later that does not come.

    Source: man 3 malloc_trim.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl and macOS have none
    if trim is not None:
        trim(0)
