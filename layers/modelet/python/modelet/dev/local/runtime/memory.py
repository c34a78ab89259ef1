"""How much memory a process took at its peak."""

from __future__ import annotations

import math
import re
from pathlib import Path

import psutil

HIGH_WATER = re.compile(rb"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def peak_mb(pid: int) -> int:
    """Megabytes, 0 when the process is gone: the kernel's own high-water mark, or what is held now where it keeps none.

    Source: proc_pid_status(5), VmHWM.
    """
    try:
        found = HIGH_WATER.search(Path(f"/proc/{pid}/status").read_bytes())
    except OSError:
        found = None
    if found:
        return math.ceil(int(found[1]) / 1024)
    try:
        return math.ceil(psutil.Process(pid).memory_info().rss / 1_048_576)
    except psutil.Error:
        return 0
