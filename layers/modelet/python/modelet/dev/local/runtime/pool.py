"""The environments of one function: one for each concurrent request, up to the limit."""

from __future__ import annotations

import asyncio
import uuid
from time import perf_counter
from typing import TYPE_CHECKING, Any

from modelet.dev.local.runtime.environment import EXIT, TIMEOUT, Environment
from modelet.edges.base import EVENT_LIMIT
from modelet.errors import ThrottledError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from modelet.dev.local.runtime.function import LocalFunction
    from modelet.dev.local.runtime.host import Host
    from modelet.dev.local.runtime.outcome import Outcome

INIT_LIMIT = 10.0
"""Seconds for an init on demand. A longer init is repeated once, within the function's timeout.

Source: docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, "Init phase".
"""
PROVISIONED_INIT_LIMIT = 130.0
"""Seconds for a provisioned init, or the function's timeout if that is longer. Source: the same page."""
REPROVISION_AFTER = 1.0
"""Seconds until a dead provisioned environment is replaced."""
THROTTLE_LINES_EVERY = 1.0
"""Seconds between two log lines about throttling, because a caller in a tight loop would cause a thousand of them."""


class Pool:
    """Assigns an environment to each request: an idle one, or a new one up to the limit.

    idle_s: seconds after which an idle environment that is not provisioned is stopped.
    """

    def __init__(self, function: LocalFunction, host: Host, *, idle_s: float) -> None:
        self.function = function
        self._host = host
        self._idle_s = idle_s
        self._all: set[Environment] = set()
        self._provisioned: list[Environment] = []  # idle; used first
        self._on_demand: list[Environment] = []  # idle; the longest idle first
        self._in_flight = 0
        self._throttled = 0
        self._throttle_logged = float("-inf")
        self._starting: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self) -> None:
        """Initialise the provisioned environments, and start to stop idle ones regularly."""
        await asyncio.gather(*(self._provision() for _ in range(self.function.provisioned)))
        self._keep(self._reap(), self._starting)

    async def invoke(self, event: bytes, trace: str = "") -> Outcome:
        """Handle one event. Raises ThrottledError at the concurrency limit, TooLargeError above Lambda's size limit."""
        if len(event) > EVENT_LIMIT:
            raise TooLargeError(
                f"The event has {len(event)} bytes, but Lambda allows {EVENT_LIMIT}: send fewer instances, or a batch."
            )
        if self._in_flight >= self.function.max_concurrency:
            self._throttle()
        request_id = str(uuid.uuid4())
        self._in_flight += 1
        try:
            return await self._answer(event, request_id, trace or new_trace())
        finally:
            self._in_flight -= 1

    async def replace(self, function: LocalFunction | None = None) -> str | None:
        """Load at least one new environment, then replace the old ones: idle ones now, busy ones after their request.

        Return the type of the error if one does not load; the old environments then stay in use.
        """
        renewed = function or self.function
        loaded = await self._load_all(renewed)
        new = [environment for environment, failed in loaded if failed is None]
        if self._stopping or len(new) < len(loaded):
            for environment in new:
                self._retire(environment)
            self._discard_unused(renewed)
            return next((failed for _, failed in loaded if failed is not None), EXIT)
        before, self.function = self.function, renewed
        for environment in self._all.difference(new):
            environment.stale = True
        for environment in [*self._provisioned, *self._on_demand]:
            self._retire(environment)
        for environment in new:
            self._release(environment)
        self._discard_unused(before)
        return None

    async def stop(self) -> None:
        """Stop all environments, including busy ones."""
        self._stopping = True
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        await asyncio.gather(*(environment.stop() for environment in self._all))
        await asyncio.gather(*self._ending)

    async def _answer(self, event: bytes, request_id: str, trace: str) -> Outcome:
        if self._stopping:
            raise asyncio.CancelledError
        idle = self._provisioned or self._on_demand
        environment = idle.pop() if idle else await self._begin()
        if not environment.alive:
            return environment.refuse(request_id)
        try:
            return await environment.invoke(event, request_id, trace)
        finally:
            self._release(environment)

    async def _begin(self) -> Environment:
        environment, failed = await self._new(self.function, INIT_LIMIT)
        if failed == TIMEOUT and not self._stopping:
            function = self.function  # it may have been replaced, and its snapshot removed
            environment, _ = await self._new(function, function.timeout_s, repeated=True)
        return environment

    async def _provision(self, after_s: float = 0) -> None:
        await asyncio.sleep(after_s)
        environment, failed = await self._load(self.function)
        if failed is None:
            self._release(environment)

    async def _load_all(self, function: LocalFunction) -> list[tuple[Environment, str | None]]:
        """Load all environments that replace a function's. If this is cancelled, stop them."""
        loads = [asyncio.create_task(self._load(function)) for _ in range(max(1, function.provisioned))]
        try:
            return await asyncio.gather(*loads)
        except BaseException:
            for load in loads:
                load.cancel()
            for loaded in await asyncio.gather(*loads, return_exceptions=True):
                if not isinstance(loaded, BaseException) and loaded[1] is None:
                    self._retire(loaded[0])
            self._discard_unused(function)
            raise

    async def _load(self, function: LocalFunction) -> tuple[Environment, str | None]:
        """Load an environment that no request waits for."""
        limit = max(PROVISIONED_INIT_LIMIT, function.timeout_s)
        return await self._new(function, limit, provisioned=function.provisioned > 0)

    async def _new(
        self, function: LocalFunction, limit_s: float, *, provisioned: bool = False, repeated: bool = False
    ) -> tuple[Environment, str | None]:
        environment = Environment(function, self._host, provisioned=provisioned, on_death=self._died)
        self._all.add(environment)
        try:
            failed = await environment.start(limit_s, repeated=repeated)
        except BaseException:
            await environment.stop()
            self._all.discard(environment)
            raise
        if failed is not None:
            self._all.discard(environment)
            self._discard_unused(function)
        return environment, failed

    def _release(self, environment: Environment) -> None:
        if self._stopping:
            return
        if environment.alive and not environment.stale:
            (self._provisioned if environment.provisioned else self._on_demand).append(environment)
            return
        self._retire(environment)
        if environment.provisioned and not environment.stale:
            self._keep(self._provision(REPROVISION_AFTER), self._starting)

    def _died(self, environment: Environment) -> None:
        self._release(environment)

    def _retire(self, environment: Environment) -> None:
        for idle in (self._provisioned, self._on_demand):
            if environment in idle:
                idle.remove(environment)
        self._all.discard(environment)
        self._keep(self._end(environment), self._ending)

    async def _end(self, environment: Environment) -> None:
        await environment.stop()
        self._discard_unused(environment.function)

    def _discard_unused(self, function: LocalFunction) -> None:
        """Remove the snapshot of a function that was replaced, once its last environment has ended."""
        if function is not self.function and all(each.function is not function for each in self._all):
            function.discard()

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(min(self._idle_s / 2, 10))
            while self._on_demand and perf_counter() - self._on_demand[0].idle_since > self._idle_s:
                self._retire(self._on_demand[0])

    def _throttle(self) -> None:
        self._throttled += 1
        limit = self.function.max_concurrency
        if perf_counter() - self._throttle_logged > THROTTLE_LINES_EVERY:
            self._throttle_logged = perf_counter()
            line = f"Throttled: {limit} requests are in flight (max_concurrency: {limit}); {self._throttled} so far"
            self._host.log.line(self.function.name, line)
        raise ThrottledError(f"{self.function.name}: {limit} requests are in flight, which is its max_concurrency")

    @staticmethod
    def _keep(work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)


def new_trace() -> str:
    """Make an X-Ray trace header, not sampled. Source: docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html."""
    random = uuid.uuid4().hex
    return f"Root=1-{random[:8]}-{random[8:]};Parent={uuid.uuid4().hex[:16]};Sampled=0"
