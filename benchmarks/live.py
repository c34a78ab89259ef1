"""Functions that keep running between blocks of requests, so that blocks of two functions can alternate, and other load
on the machine affects both.

There are two ways to call a function: with a Runtime API and the official client, as in Lambda, or directly, by calling
its handler in its own process, without the client, its JSON and the sockets.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from benchmarks.environment import variables
from modelet.dev.local.runtime.runtime_api import Invocation, Reply, RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.environment import Subject

LONGEST = 60
"""The longest time in seconds until a response."""

CALLED = Path(__file__).with_name("called.py")
ARN = "arn:aws:lambda:us-east-1:123456789012:function:benchmark"


class Block(NamedTuple):
    """The cost of a block of requests: CPU time of the function's process, and each request's time, both in µs."""

    cpu_us: float
    times_us: list[float]


class Live(Protocol):
    """A running function."""

    first: bytes
    """Its first response, as Lambda would return it."""

    def block(self, count: int) -> Block:
        """Send `count` requests, one after the other. Raises RuntimeError if it does not respond."""

    def stop(self) -> None:
        """Stop the function."""


@contextmanager
def one_processor() -> Iterator[None]:
    """Run this process and all that it starts on one processor, as Lambda does with a function and its Runtime API
    below 1,769 MB of memory.

    On several processors, each message wakes one of them, which costs up to 100 µs and differs between blocks.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Behind:
    """A function with a Runtime API. Raises RuntimeError with its output if it does not start."""

    def __init__(self, subject: Subject, event: bytes) -> None:
        self._name, self._event, self._turn = subject.name, event, 0
        self._runner = asyncio.Runner()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        self._signals = asyncio.Queue[Reply | None]()
        self._api = RuntimeApi(
            lambda: self._signals.put_nowait(None), self._signals.put_nowait, self._signals.put_nowait
        )
        address = self._runner.run(self._api.start())
        environment = {**variables(subject), "AWS_LAMBDA_RUNTIME_API": address, "_HANDLER": subject.handler}
        self._process = subprocess.Popen(
            [subject.python, "-m", "awslambdaric", subject.handler],
            cwd=subject.folder,
            env=environment,
            stdout=self._said,
            stderr=subprocess.STDOUT,
        )
        try:
            self._runner.run(self._waiting())
            self.first = self._runner.run(self._ask())
        except BaseException:
            self.stop()
            raise

    def block(self, count: int) -> Block:
        """Send `count` requests, one after the other."""
        return self._runner.run(self._block(count))

    def stop(self) -> None:
        """Stop the process and close the port."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._runner.run(self._api.stop())
        self._runner.close()
        self._said.close()

    async def _block(self, count: int) -> Block:
        times: list[float] = []
        began = _cpu_us(self._process.pid)
        for _ in range(count):
            asked = time.perf_counter()
            await self._ask(times, asked)
        return Block(_cpu_us(self._process.pid) - began, times)

    async def _ask(self, times: list[float] | None = None, asked: float = 0) -> bytes:
        """Send one request, and wait until the function asks for the next: then it uses no more CPU time."""
        self._turn += 1
        deadline = int((time.time() + 30) * 1000)
        self._api.send(Invocation(f"request-{self._turn}", self._event, deadline, ARN, ""))
        async with asyncio.timeout(LONGEST):
            reply = await self._signals.get()
        if times is not None:
            times.append((time.perf_counter() - asked) * 1e6)
        if reply is None or reply.error:
            raise RuntimeError(f"{self._name}: {reply.payload.decode()[:2000] if reply else 'no answer'}")
        await self._waiting()
        return reply.payload

    async def _waiting(self) -> None:
        try:
            async with asyncio.timeout(LONGEST):
                reply = await self._signals.get()
        except TimeoutError:
            self._said.seek(0)
            raise RuntimeError(f"{self._name}: {self._said.read().decode()[-2000:]}") from None
        if reply is not None:
            raise RuntimeError(f"{self._name}: {reply.payload.decode()[:2000]}")


class Inside:
    """A function whose handler is called directly in its process. Raises RuntimeError if it does not start."""

    def __init__(self, subject: Subject, event: bytes) -> None:
        self._name = subject.name
        self._process = subprocess.Popen(
            [subject.python, "-P", str(CALLED), subject.handler],
            cwd=subject.folder,
            env=variables(subject),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            self.first = self._said(event.decode()).encode()
        except BaseException:
            self.stop()
            raise

    def block(self, count: int) -> Block:
        """Call the handler `count` times, one call after the other."""
        cpu_us, times_us = json.loads(self._said(str(count)))
        return Block(cpu_us, times_us)

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _said(self, line: str) -> str:
        """Send a line to the process and return its response."""
        assert self._process.stdin  # noqa: S101 - a pipe was asked for
        assert self._process.stdout  # noqa: S101
        try:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise RuntimeError(f"{self._name}: ended, see above") from None
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._name}: ended, see above")
        return answer


def _cpu_us(pid: int) -> float:
    """Return the user and system time of a process in µs, by its own clock. Source: man 3 clock_getcpuclockid."""
    return time.clock_gettime((~pid << 3) | 2) * 1e6
