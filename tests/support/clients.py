"""Functions with tiny handlers, and a gateway of this process in front of them: for the tests of the local runtime."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import psutil
import uvloop

from modelet.dev.local.gateway.gateway import Gateway
from modelet.dev.local.gateway.http_api import HttpApi
from modelet.dev.local.runtime.runtime import Runtime
from modelet.dev.local.serve import bound
from modelet.dev.project.routes import Routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping

    from modelet.dev.local.gateway.cors import Cors
    from modelet.dev.local.gateway.rest_api import RestApi
    from modelet.dev.local.runtime.function import LocalFunction
    from modelet.dev.local.runtime.log import Log

T = TypeVar("T")


class Make(Protocol):
    """Writes `app.py` with a `handler` and gives the function."""

    def __call__(self, source: str, name: str = ..., **options: Any) -> LocalFunction: ...


@dataclass
class Response:
    """What an HTTP client saw."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Client:
    """Calls a gateway; each call has a connection of its own."""

    port: int
    runtime: Runtime

    async def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Response:
        return await asyncio.to_thread(ask, self.port, method, path, body, headers)

    async def send(self, data: bytes) -> bytes:
        """Write bytes as they are, and no more; then read until the gateway closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        return answer


def ask(
    port: int, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> Response:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Response(response.status, response.headers, response.read())
    finally:
        connection.close()


@contextlib.asynccontextmanager
async def served(
    *functions: LocalFunction,
    log: Log,
    default: str | None = None,
    api: HttpApi | RestApi | None = None,
    cors: Cors | None = None,
    shared: str | None = None,
    awaited: Mapping[str, Callable[[], Awaitable[None]]] | None = None,
) -> AsyncIterator[Client]:
    """Serve functions for the length of a block."""
    async with Runtime(functions, log=log) as runtime:
        names = [function.name for function in functions if function.name not in {default, shared}]
        kind = api or HttpApi()
        routes = Routes(names, default, shared, tree=not isinstance(kind, HttpApi))
        gateway = Gateway(runtime, routes, kind, log=log, cors=cors, awaited=awaited)
        with bound("127.0.0.1", 0) as sock:
            await gateway.start(sock)
            try:
                yield Client(sock.getsockname()[1], runtime)
            finally:
                await gateway.stop()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on the event loop that `modelet up` uses."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def environments(pid: int | None = None) -> list[psutil.Process]:
    """The environments that a process, this one unless given, has started and that still run."""
    found = []
    for child in psutil.Process(pid).children():
        with contextlib.suppress(psutil.Error):  # it ended meanwhile
            if "awslambdaric" in " ".join(child.cmdline()):
                found.append(child)
    return found


async def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)
