"""Functions behind a local gateway, served from a thread of this process for the length of a test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvloop

from modelet.dev.local.gateway.gateway import Gateway
from modelet.dev.local.gateway.http_api import HttpApi
from modelet.dev.local.gateway.rest_api import RestApi
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.runtime.log import StreamLog
from modelet.dev.local.runtime.runtime import Runtime
from modelet.dev.local.serve import bound
from modelet.dev.project.routes import Routes


@contextmanager
def serving(functions: Sequence[LocalFunction], *, rest: bool = False) -> Iterator[str]:
    """Serve functions on a free port, as an HTTP API or a REST API; gives the URL."""
    output = StreamLog()
    sock = bound("127.0.0.1", 0)
    loop = uvloop.new_event_loop()
    done, ready = asyncio.Event(), threading.Event()

    async def run() -> None:
        async with Runtime(functions, log=output) as runtime:
            routes = Routes(function.name for function in functions)
            gateway = Gateway(runtime, routes, RestApi() if rest else HttpApi(), log=output)
            await gateway.start(sock)
            ready.set()
            await done.wait()
            await gateway.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert ready.wait(60), "the gateway did not start"
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()
