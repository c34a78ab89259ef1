"""Batches and jobs on this machine: the emulator with its resources and the invoker, started at the first request."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

from modelet.dev.local.emulator.invoker import Invoker
from modelet.dev.local.emulator.provision import MACHINE, provision
from modelet.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from modelet.dev.local.emulator.emulator import Emulator
    from modelet.dev.local.emulator.worker import Worker
    from modelet.dev.local.runtime.function import LocalFunction
    from modelet.dev.local.runtime.log import Log
    from modelet.dev.local.runtime.runtime import Runtime

SPEAKER = "emulator"
"""The name before its lines in the log."""


class Emulated(NamedTuple):
    """What `serve` needs for batches and jobs. batches: the platform function that answers their routes.

    readers: the names of the models that read features by key, whose requests wait for the emulator too.
    """

    emulator: Emulator
    batches: LocalFunction
    workers: tuple[Worker, ...]
    readers: tuple[str, ...] = ()

    @property
    def functions(self) -> list[LocalFunction]:
        """Return the platform function and the workers."""
        return [self.batches, *(worker.function for worker in self.workers)]


class Emulation:
    """Starts everything once, at the first `ready`, and again if the emulator has ended.

    runtime: has the environments of the workers. machine: the workflow's definition.
    """

    def __init__(self, emulated: Emulated, runtime: Runtime, *, log: Log, machine: Path = MACHINE) -> None:
        self._emulated = emulated
        self._runtime = runtime
        self._log = log
        self._machine = machine
        self._invoker: Invoker | None = None
        self._starting: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Return when the emulator answers and has all that a batch or a job needs. Raises CommandError if it cannot.

        After an error, the next call tries again. A cancelled call does not end the start.
        """
        if self._starting is None or (self._starting.done() and not self._emulated.emulator.running):
            self._starting = asyncio.create_task(self._start())
        await asyncio.shield(self._starting)

    async def stop(self) -> None:
        """End the emulator, which saves its data, and the invoker."""
        if self._starting is not None:
            await asyncio.wait([self._starting])
            self._starting.exception()  # a failed start was reported to whoever waited for it
        await self._emulated.emulator.stop()
        if self._invoker is not None:  # after the emulator, to which a cancelled invocation would be a failed one
            await self._invoker.stop()
            self._invoker = None

    async def _start(self) -> None:
        began = time.perf_counter()
        if self._invoker is None:
            self._invoker = Invoker(self._runtime, self._emulated.workers)
            self._url = await self._invoker.start()
        emulator = self._emulated.emulator
        await emulator.start(self._url, self._say)
        try:
            await asyncio.to_thread(provision, emulator.variables, self._emulated.workers, self._machine)
        except Exception as error:
            await emulator.stop()
            raise CommandError(
                f"the AWS emulator could not be prepared ({type(error).__name__}: {error}): read "
                ".modelet/emulator/emulator.log, or delete .modelet/emulator with all local batches and jobs"
            ) from error
        self._say(f"ready on {emulator.endpoint} after {time.perf_counter() - began:.1f} s")

    def _say(self, line: str) -> None:
        self._log.line(SPEAKER, line)
