"""All functions of a server, each with its pool of environments."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from modelet.dev.local.runtime.credentials import Credentials
from modelet.dev.local.runtime.host import Host
from modelet.dev.local.runtime.log import Log, StreamLog
from modelet.dev.local.runtime.pool import Pool
from modelet.dev.local.runtime.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelet.dev.local.runtime.function import LocalFunction
    from modelet.dev.local.runtime.outcome import Outcome

IDLE_S = 300.0
"""Seconds until an idle environment is stopped. Lambda does not document its value; it is minutes in practice."""


class Runtime:
    """Lambda's Invoke for local functions. Use it with `async with`."""

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
        self._watchdog: Watchdog | None = None
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
        """Initialise the provisioned environments. A failed init is logged, and a request tries it again."""
        self._watchdog = Watchdog(Path(tempfile.mkdtemp(prefix="modelet-")))
        host = Host(self._log, self._watchdog, self._credentials)
        self._pools = {function.name: Pool(function, host, idle_s=self._idle_s) for function in self._functions}
        await asyncio.gather(*(pool.start() for pool in self._pools.values()))
        self._started.set()

    async def invoke(self, name: str, event: bytes, trace: str = "") -> Outcome:
        """Handle one event, a JSON document. Raises ThrottledError and TooLargeError as the pool does."""
        return await self._pools[name].invoke(event, trace)

    async def replace(self, name: str, function: LocalFunction | None = None) -> str | None:
        """Load a function again, with a new configuration if given, then replace its environments.

        Running requests finish in the old environments. Return the type of the error if the new ones do not load; the
        old ones then stay in use. Wait until the runtime has started.
        """
        try:
            await self._started.wait()
        except asyncio.CancelledError:
            if function is not None:
                function.discard()
            raise
        return await self._pools[name].replace(function)

    async def stop(self) -> None:
        """Stop every environment, and remove its process, port and folder."""
        await asyncio.gather(*(pool.stop() for pool in self._pools.values()))
        if self._watchdog is not None:
            await asyncio.to_thread(self._watchdog.stop)
