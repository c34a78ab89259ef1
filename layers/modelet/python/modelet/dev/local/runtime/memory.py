"""The peak memory of a process."""

from __future__ import annotations

import math
import re
from pathlib import Path

import psutil

HIGH_WATER = re.compile(rb"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def peak_mb(pid: int) -> int:
    """Return the kernel's high-water mark in MB, or the current memory if there is none, or 0 if the process has ended.

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
