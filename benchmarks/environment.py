"""Measure one fresh process with a Runtime API: its cost until the first response, and each further response."""

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
"""The longest time in seconds until a response."""

ARN = "arn:aws:lambda:us-east-1:123456789012:function:benchmark"


@dataclass(frozen=True)
class Subject:
    """A function under test.

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
    """The cost of one process.

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
        """Return the figures of a cold start table, by name."""
        warm = {"warm_us": statistics.median(self.warm_us)} if self.warm_us else {}
        names = ("cpu_ms", "wall_ms", "resident_mb", "peak_mb")
        return {**{name: getattr(self, name) for name in names}, **warm}


def measure(subject: Subject, event: bytes, *, warm: int = 0, cpus: str | None = None) -> Sample:
    """Start a process, send it the event once and `warm` more times, and stop it.

    Raises RuntimeError with the process's output if it does not respond.
    """
    return asyncio.run(_measure(subject, event, warm, cpus))


def variables(subject: Subject) -> dict[str, str]:
    """Return the variables of a Lambda environment, without its Runtime API, and the subject's own variables."""
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
    printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, after it was read
    began = time.perf_counter()
    pinned = ["taskset", "-c", cpus] if cpus else []
    process = subprocess.Popen(
        [*pinned, subject.python, *subject.client, subject.handler],
        cwd=subject.folder,
        env=environment,
        stdout=printed,  # a file, because a process that reads a pipe would run during the measurement
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
    """Wait until the client asks for an event. Raises RuntimeError if its init failed."""
    asks, fails = asyncio.ensure_future(waiting.wait()), asyncio.ensure_future(replied.get())
    done, pending = await asyncio.wait({asks, fails}, return_when=asyncio.FIRST_COMPLETED)
    for each in pending:
        each.cancel()
    if fails in done:
        raise RuntimeError(fails.result().payload.decode()[:2000])
    waiting.clear()


def memory_mb(pid: int) -> dict[str, float]:
    """Return the current (VmRSS) and the peak (VmHWM) memory of a process, in MB of 2**20 bytes.

    getrusage's peak would include the parent's memory at the fork. Source: man 5 proc_pid_status.
    """
    fields = _fields(f"/proc/{pid}/status")
    return {name: int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}


def read_mb(pid: int) -> float:
    """Return the data read from the disk for a process so far, in MB of 2**20 bytes. Source: man 5 proc_pid_io."""
    return int(_fields(f"/proc/{pid}/io")["read_bytes"]) / 2**20


def _fields(file: str) -> dict[str, str]:
    """Return the `name: value` lines of a kernel file."""
    lines = Path(file).read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process and its ended threads so far, in seconds.

    /proc/PID/schedstat counts only one thread, and /proc/PID/stat has ticks of 10 ms; the clock of the process has
    neither problem. Source: man 3 clock_getcpuclockid; the id is ~pid << 3 | 2.
    """
    return time.clock_gettime((~pid << 3) | 2)
