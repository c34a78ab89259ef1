"""All functions of one server, each with its pool."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from modelet.dev.local.runtime.credentials import Credentials
from modelet.dev.local.runtime.host import Host
from modelet.dev.local.runtime.log import Log, StreamLog
from modelet.dev.local.runtime.pool import Pool
from modelet.dev.local.runtime.watchdog import Keeper

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelet.dev.local.runtime.function import LocalFunction
    from modelet.dev.local.runtime.outcome import Outcome

IDLE_S = 300.0
"""Seconds that an environment stays without a request; Lambda does not say its own figure, minutes by experience."""


class Runtime:
    """Lambda's Invoke for functions of this laptop; to be used as `async with`."""

    def __init__(
        self,
        functions: Iterable[LocalFunction],
        *,
        log: Log | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        self._functions = list(functions)
        self._log = StreamLog() if log is None else log
        self._credentials = Credentials(self._functions)
        self._idle_s = idle_s
        self._keeper: Keeper | None = None
        self._pools: dict[str, Pool] = {}
        self._started = asyncio.Event()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Initialise the provisioned environments; one whose init fails is logged, and tried again by a request."""
        self._keeper = Keeper(Path(tempfile.mkdtemp(prefix="modelet-")))
        host = Host(self._log, self._keeper, self._credentials)
        self._pools = {function.name: Pool(function, host, idle_s=self._idle_s) for function in self._functions}
        await asyncio.gather(*(pool.start() for pool in self._pools.values()))
        self._started.set()

    async def invoke(self, name: str, event: bytes, trace: str = "") -> Outcome:
        """Answer one event, a JSON document. Raises ThrottledError and TooLargeError as the pool does."""
        return await self._pools[name].invoke(event, trace)

    async def replace(self, name: str, function: LocalFunction | None = None) -> str | None:
        """Load a function anew, by another configuration if given, then replace its environments.

        Requests under way finish in the old ones. What comes back is the type of the error that kept the new ones from
        loading: then the old ones go on. Waits until the runtime has started.
        """
        try:
            await self._started.wait()
        except asyncio.CancelledError:
            if function is not None:
                function.discard()
            raise
        return await self._pools[name].replace(function)

    async def stop(self) -> None:
        """End every environment: no process, port or folder is left."""
        await asyncio.gather(*(pool.stop() for pool in self._pools.values()))
        if self._keeper is not None:
            await asyncio.to_thread(self._keeper.stop)
