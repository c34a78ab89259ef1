"""A Lambda execution environment: a process, its Runtime API and its /tmp. It handles one request at a time."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from modelet.dev.local.runtime import lambda_log as report
from modelet.dev.local.runtime.ledger import Ledger
from modelet.dev.local.runtime.outcome import Outcome, failure
from modelet.dev.local.runtime.process import Process
from modelet.dev.local.runtime.runtime_api import Invocation, Reply, RuntimeApi
from modelet.dev.local.runtime.variables import variables
from modelet.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.dev.local.runtime.function import LocalFunction
    from modelet.dev.local.runtime.host import Host

TIMEOUT = "Sandbox.Timedout"
EXIT = "Runtime.ExitError"
NO_ENTRY = "Runtime.InvalidEntrypoint"


class Environment:
    """Handles invocations one by one. It cannot be used again after a crash, a timeout or `stop`.

    on_death: called when the process ends by itself outside an invocation.
    """

    def __init__(
        self, function: LocalFunction, host: Host, *, provisioned: bool, on_death: Callable[[Environment], None]
    ) -> None:
        self.function = function
        self.provisioned = provisioned
        self.alive = False
        self.stale = False
        self.idle_since = perf_counter()
        self._host = host
        self._on_death = on_death
        self._loop = asyncio.get_running_loop()
        self._ledger = Ledger(function, host.log, provisioned=provisioned)
        self._api = RuntimeApi(self._waiting, self._replied, self._init_failed)
        self._process = Process(self._ledger.line, self._exited)
        self._tmp: Path | None = None
        self._init: asyncio.Future[Reply | None] = self._loop.create_future()
        self._init_ms: float | None = None
        self._spent_s = 0.0
        self._turn: asyncio.Future[Reply | None] | None = None
        self._reply: Reply | None = None
        self._error = EXIT
        self._why = ""

    async def start(self, limit_s: float, *, repeated: bool = False) -> str | None:
        """Initialise it within `limit_s` seconds. Return the type of the error, or None.

        repeated: an invocation repeats an init that took too long, so the time counts as the invocation's.
        """
        began = perf_counter()
        try:
            async with asyncio.timeout(limit_s):
                await self._launch()
                self._reply = await self._init
        except TimeoutError:
            self._error, self._why = TIMEOUT, f"Task timed out after {limit_s:.2f} seconds"
        except (OSError, StartError) as error:
            self._error, self._why = NO_ENTRY, f"the runtime client does not start: {error}"
        self._init_ms = (perf_counter() - began) * 1000
        self._spent_s = self._init_ms / 1000 if repeated else 0.0
        self._process.flush()
        self._ledger.measure(self._process.pid, now=True)
        if self._reply is None and not self._why:
            self.alive = True
            return None
        if self._reply is not None and self._reply.error is not None:
            self._error = self._reply.error
        self._ledger.line(report.init(self._init_ms, "invoke" if repeated else "init", self._error))
        await self.stop()
        return self._error

    def refuse(self, request_id: str) -> Outcome:
        """Return the outcome of an invocation if the environment did not start."""
        init_ms = self._init_ms or 0.0
        self._ledger.line(report.start(request_id))
        reply = self._reply or self._missing_reply(request_id)
        self._ledger.end(request_id, init_ms, None, self._error)
        return Outcome(request_id, reply.payload, self._error, init_ms=init_ms)

    async def invoke(self, event: bytes, request_id: str, trace: str) -> Outcome:
        """Send one event and wait until the environment is idle again or dead."""
        spent_s, self._spent_s = self._spent_s, 0.0
        init_ms, self._init_ms = None if spent_s else self._init_ms, None
        self._reply = None
        self._turn = self._loop.create_future()
        left_s = max(0.0, self.function.timeout_s - spent_s)
        self._ledger.line(report.start(request_id))
        began = perf_counter() - spent_s
        deadline_ms = int((time.time() + left_s) * 1000)
        self._api.send(Invocation(request_id, event, deadline_ms, self.function.arn, trace))
        timer = self._loop.call_later(left_s, self._expire)
        try:
            reply = await self._turn
        except asyncio.CancelledError:
            self._kill()
            raise
        finally:
            timer.cancel()
        duration_ms = (perf_counter() - began) * 1000
        self._ledger.measure(self._process.pid)
        self._process.flush()
        died = None if reply else self._error
        reply = reply or self._missing_reply(request_id)
        self._ledger.end(request_id, duration_ms, init_ms, died)
        self._reply = self._turn = None  # an idle environment keeps no response
        self.idle_since = perf_counter()
        return Outcome(request_id, reply.payload, reply.error, duration_ms, init_ms)

    async def stop(self) -> None:
        """Kill the process, close the port, remove /tmp."""
        self._kill()
        if self._process.pid:
            await self._process.exited.wait()
            self._host.watchdog.forget(self._process.pid)
        await self._api.stop()
        if self._tmp is not None:
            await asyncio.to_thread(shutil.rmtree, self._tmp, ignore_errors=True)

    async def _launch(self) -> None:
        self._tmp = Path(tempfile.mkdtemp(dir=self._host.watchdog.folder))
        credentials = self._host.credentials
        environ = variables(
            self.function,
            address=await self._api.start(),
            tmp=self._tmp,
            provisioned=self.provisioned,
            aws=await asyncio.to_thread(credentials.variables) if credentials.needed else {},
        )
        await self._process.start(self.function, environ)
        self._host.watchdog.watch(self._process.pid, self._process.mark)

    def _missing_reply(self, request_id: str) -> Reply:
        """Return the reply in place of a missing one, and log the reason."""
        if self._error == TIMEOUT:
            self._ledger.line(report.timed_out(request_id, self.function.timeout_s))
        else:
            self._ledger.line(f"RequestId: {request_id} Error: {self._why}\n{self._error}")
        return Reply(failure(self._error, self._why, request_id), self._error)

    def _waiting(self) -> None:
        if not self._init.done():
            self._init.set_result(None)
        elif self._turn is not None and not self._turn.done():
            self._turn.set_result(self._reply)

    def _replied(self, reply: Reply) -> None:
        self._reply = reply

    def _init_failed(self, reply: Reply) -> None:
        if not self._init.done():
            self._init.set_result(reply)

    def _exited(self, words: str) -> None:
        idle = self.alive and (self._turn is None or self._turn.done())
        self.alive = False
        if not self._why:
            self._why = f"Runtime exited with error: {words}" if words else "Runtime exited without providing a reason"
        if not self._init.done():
            self._init.set_result(None)
        elif self._turn is not None and not self._turn.done():
            self._turn.set_result(self._reply)
        if idle:
            self._ledger.line(f"An idle environment ended: {self._why}")
            self._on_death(self)

    def _expire(self) -> None:
        if self._turn is not None and not self._turn.done():
            self._error, self._why = TIMEOUT, f"Task timed out after {self.function.timeout_s:.2f} seconds"
            self._ledger.measure(self._process.pid, now=True)
            self._kill()
            self._turn.set_result(None)

    def _kill(self) -> None:
        self.alive = False
        self._process.kill()
