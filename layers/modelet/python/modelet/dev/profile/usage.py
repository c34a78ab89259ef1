"""What another process has used so far."""

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
    """What a process that lives has used.

    On Linux from the process's own clock, since /proc/PID/stat counts in ticks of 10 ms, and from the kernel's
    high-water mark; elsewhere as psutil knows it, without a peak. Source: clock_getcpuclockid(3), where the id is
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
