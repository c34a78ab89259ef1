"""CPU time and memory that another process has used."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import NamedTuple

import psutil

MEMORY = re.compile(r"^(VmHWM|VmRSS):\s+(\d+) kB$", re.MULTILINE)


class Usage(NamedTuple):
    """CPU time of all its threads in ms; memory now, and at its peak, in MB."""

    cpu_ms: float
    resident_mb: float
    peak_mb: float


def usage(pid: int) -> Usage:
    """Return the usage of a running process.

    On Linux, read the process's own clock, because /proc/PID/stat counts in ticks of 10 ms, and the kernel's
    high-water mark. On other systems, use psutil, which has no peak. Source: clock_getcpuclockid(3), where the id is
    ~pid << 3 | 2, and proc_pid_status(5).
    """
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        kilobytes = dict(MEMORY.findall(status.read_text()))
        resident, peak = (int(kilobytes[name]) / 1024 for name in ("VmRSS", "VmHWM"))
        return Usage(time.clock_gettime((~pid << 3) | 2) * 1000, resident, peak)
    process = psutil.Process(pid)
    times, resident = process.cpu_times(), process.memory_info().rss / 1_048_576
    return Usage((times.user + times.system) * 1000, resident, resident)
