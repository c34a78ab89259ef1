"""Functions that stay alive between blocks of requests, so that two can be asked in turn and what the machine does
beside them hits both.

A function is asked in one of two ways: behind a Runtime API through the official client, as Lambda does, or by calling
its handler in a process of its own, which leaves out the client, its JSON and the sockets.
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
"""Seconds that a process may take for one answer."""

CALLED = Path(__file__).with_name("called.py")
ARN = "arn:aws:lambda:us-east-1:123456789012:function:benchmark"


class Block(NamedTuple):
    """What a block of requests cost: CPU time of the function's process, and each request's time, both in µs."""

    cpu_us: float
    times_us: list[float]


class Live(Protocol):
    """A function that is up."""

    first: bytes
    """Its first answer, as Lambda would hand it on."""

    def block(self, count: int) -> Block:
        """Ask so often, one request after the other. Raises RuntimeError where it does not answer."""

    def stop(self) -> None:
        """End it."""


@contextmanager
def one_processor() -> Iterator[None]:
    """Inside, this process and all that it starts share one processor, as a function and its Runtime API do in Lambda
    below 1,769 MB of memory.

    On several, a request wakes a processor for each message, which costs up to 100 µs and differs from block to block.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Behind:
    """A function behind a Runtime API. Raises RuntimeError with its own words where it does not start."""

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
        """Ask so often, one request after the other."""
        return self._runner.run(self._block(count))

    def stop(self) -> None:
        """End the process and close the port."""
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
        """Ask once, and wait until it asks for more: its CPU time stands still then."""
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
    """A function whose handler is called in its own process. Raises RuntimeError where it does not start."""

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
        """Call so often, one request after the other."""
        cpu_us, times_us = json.loads(self._said(str(count)))
        return Block(cpu_us, times_us)

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _said(self, line: str) -> str:
        """The process's answer to a line."""
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
    """User and system time of a process in µs, by its own clock. Source: man 3 clock_getcpuclockid."""
    return time.clock_gettime((~pid << 3) | 2) * 1e6
