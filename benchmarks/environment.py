"""One fresh process behind a Runtime API: what it costs until its first answer, and each answer after that."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelet.dev.local.runtime.runtime_api import Invocation, Reply, RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 60
"""Seconds that a process may take for one answer."""

ARN = "arn:aws:lambda:us-east-1:123456789012:function:benchmark"


@dataclass(frozen=True)
class Subject:
    """A function to be measured.

    folder: its code. handler: `module.name`. environment: its own variables. python: the interpreter, whose packages
    are the function's. client: what the interpreter is told to run, the handler's name comes after it.
    """

    name: str
    folder: Path
    handler: str
    environment: Mapping[str, str]
    python: str = sys.executable
    client: tuple[str, ...] = ("-m", "awslambdaric")


@dataclass(frozen=True)
class Sample:
    """What one process cost.

    cpu_ms, wall_ms: until its first answer. init_cpu_ms, init_wall_ms: until it asked for its first event. resident_mb,
    peak_mb: memory after the first answer, and the most until then. read_mb: what came from the disk until then.
    answers: each answer. warm_us: round trips after the first. printed: what it wrote.
    """

    cpu_ms: float
    wall_ms: float
    init_cpu_ms: float
    init_wall_ms: float
    resident_mb: float
    peak_mb: float
    read_mb: float
    answers: list[bytes]
    warm_us: list[float]
    printed: str

    @property
    def figures(self) -> dict[str, float]:
        """What a table of cold starts shows, by name."""
        warm = {"warm_us": statistics.median(self.warm_us)} if self.warm_us else {}
        names = ("cpu_ms", "wall_ms", "resident_mb", "peak_mb")
        return {**{name: getattr(self, name) for name in names}, **warm}


def measure(subject: Subject, event: bytes, *, warm: int = 0, cpus: str | None = None) -> Sample:
    """Start a process, let it answer the event once and `warm` times more, and end it.

    Raises RuntimeError with the process's own words where it does not answer.
    """
    return asyncio.run(_measure(subject, event, warm, cpus))


def variables(subject: Subject) -> dict[str, str]:
    """What an environment of Lambda holds besides where its Runtime API is, and a subject's own variables."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "OMP_NUM_THREADS": "1",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "benchmark",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        **subject.environment,
        "LAMBDA_TASK_ROOT": str(subject.folder),
    }


async def _measure(subject: Subject, event: bytes, warm: int, cpus: str | None) -> Sample:
    loop = asyncio.get_running_loop()
    waiting, replied = asyncio.Event(), asyncio.Queue[Reply]()
    api = RuntimeApi(waiting.set, replied.put_nowait, replied.put_nowait)
    address = await api.start()
    environment = {**variables(subject), "AWS_LAMBDA_RUNTIME_API": address, "_HANDLER": subject.handler}
    printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, when it was read
    began = time.perf_counter()
    pinned = ["taskset", "-c", cpus] if cpus else []
    process = subprocess.Popen(
        [*pinned, subject.python, *subject.client, subject.handler],
        cwd=subject.folder,
        env=environment,
        stdout=printed,  # a file: whoever read a pipe would run beside what is measured
        stderr=subprocess.STDOUT,
    )
    answers, times = [], []
    try:
        async with asyncio.timeout(LONGEST):
            for turn in range(1 + warm):
                await _next(waiting, replied)
                if turn == 0:
                    init = time.perf_counter() - began, cpu_seconds(process.pid)
                asked = time.perf_counter()
                api.send(Invocation(str(turn), event, int((time.time() + 30) * 1000), ARN, ""))
                reply = await replied.get()
                times.append(time.perf_counter() - asked)
                if reply.error:
                    raise RuntimeError(f"{subject.name}: {reply.payload.decode()[:2000]}")
                if turn == 0:
                    wall = time.perf_counter() - began
                    cpu, memory, read = cpu_seconds(process.pid), memory_mb(process.pid), read_mb(process.pid)
                answers.append(reply.payload)
    finally:
        process.send_signal(signal.SIGKILL)
        await loop.run_in_executor(None, process.wait)
        await api.stop()
        printed.seek(0)
        said = printed.read()
        printed.close()
    if not answers:
        raise RuntimeError(f"{subject.name}: {said.decode()[-2000:]}")
    return Sample(
        cpu_ms=cpu * 1000,
        wall_ms=wall * 1000,
        init_cpu_ms=init[1] * 1000,
        init_wall_ms=init[0] * 1000,
        resident_mb=memory["VmRSS"],
        peak_mb=memory["VmHWM"],
        read_mb=read,
        answers=answers,
        warm_us=[seconds * 1e6 for seconds in times[1:]],
        printed=said.decode(errors="replace"),
    )


async def _next(waiting: asyncio.Event, replied: asyncio.Queue[Reply]) -> None:
    """Wait until the client asks for an event. Raises RuntimeError where its init failed."""
    asks, fails = asyncio.ensure_future(waiting.wait()), asyncio.ensure_future(replied.get())
    done, pending = await asyncio.wait({asks, fails}, return_when=asyncio.FIRST_COMPLETED)
    for each in pending:
        each.cancel()
    if fails in done:
        raise RuntimeError(fails.result().payload.decode()[:2000])
    waiting.clear()


def memory_mb(pid: int) -> dict[str, float]:
    """What a process has in memory now (VmRSS) and had at most (VmHWM), in MB of 2**20 bytes.

    getrusage's peak would count what its parent had when it forked. Source: man 5 proc_pid_status.
    """
    fields = _fields(f"/proc/{pid}/status")
    return {name: int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}


def read_mb(pid: int) -> float:
    """What was read from the disk for a process so far, in MB of 2**20 bytes. Source: man 5 proc_pid_io."""
    return int(_fields(f"/proc/{pid}/io")["read_bytes"]) / 2**20


def _fields(file: str) -> dict[str, str]:
    """The `name: value` lines of a file of the kernel's."""
    lines = Path(file).read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its ended threads so far, by the kernel's scheduler, in seconds.

    /proc/PID/schedstat counts one thread only, /proc/PID/stat has ticks of 10 ms: the clock of the process has neither
    fault. Source: man 3 clock_getcpuclockid; the id is ~pid << 3 | 2.
    """
    return time.clock_gettime((~pid << 3) | 2)
