"""Run the environments and the gateway of `modelet up` until a signal."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from typing import TYPE_CHECKING, Any, Literal

import uvloop

from modelet.dev.local.emulator.emulation import Emulation
from modelet.dev.local.gateway.gateway import BACKLOG, Gateway
from modelet.dev.local.gateway.http_api import HttpApi
from modelet.dev.local.gateway.rest_api import RestApi
from modelet.dev.local.http.hosts import LOOPBACK
from modelet.dev.local.runtime.log import Log, StreamLog
from modelet.dev.local.runtime.runtime import IDLE_S, Runtime
from modelet.dev.local.watch import report_changes, watch
from modelet.dev.project.routes import Routes
from modelet.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from modelet.dev.local.emulator.emulation import Emulated
    from modelet.dev.local.gateway.cors import Cors
    from modelet.dev.local.runtime.function import LocalFunction
    from modelet.dev.local.watch import Rebuild, Served


def serve(
    functions: Sequence[LocalFunction],
    *,
    default: str | None = None,
    host: str = LOOPBACK,
    port: int = 8000,
    api: Literal["http", "rest"] = "http",
    cors: Cors | None = None,
    reload: bool = False,
    rebuild: Rebuild | None = None,
    served: Served | None = None,
    ready: Callable[[str], None] | None = None,
    log: Log | None = None,
    idle_s: float = IDLE_S,
    emulated: Emulated | None = None,
) -> None:
    """Serve the functions until SIGINT, SIGTERM or SIGHUP. All processes and files are removed before it returns.

    default: the name of the function for all paths that are not a model's. host: the address to bind to; see Hosts for
    the accepted Host headers. port: 0 picks a free one. ready: called with the URL when the provisioned environments
    are initialised. reload, rebuild, served: see watch; without reload, see report_changes. idle_s: see Pool. emulated:
    the functions for batches and jobs, whose first request starts the AWS emulator. Raises CommandError if the port is
    not available.
    """
    output = StreamLog() if log is None else log
    sock = bound(host, port)

    async def run() -> None:
        async with contextlib.AsyncExitStack() as stack:
            shared = [emulated.batches] if emulated else []
            every = [*functions, *(emulated.functions if emulated else [])]
            runtime = Runtime(every, log=output, idle_s=idle_s)
            watching = (
                watch(every, runtime, log=output, rebuild=rebuild, served=served)
                if reload
                else report_changes([*functions, *shared], log=output)  # a worker has its model's files
            )
            watcher = asyncio.create_task(watching)  # watch before environments start, so that no edit is missed
            stack.push_async_callback(ended, watcher)
            await stack.enter_async_context(runtime)
            awaited: dict[str, Callable[[], Awaitable[None]]] = {}
            if emulated is not None:
                emulation = Emulation(emulated, runtime, log=output)
                stack.push_async_callback(emulation.stop)
                awaited = dict.fromkeys((emulated.batches.name, *emulated.readers), emulation.ready)
            names = [function.name for function in functions if function.name != default]
            kind = HttpApi() if api == "http" else RestApi()
            routes = Routes(names, default, emulated.batches.name if emulated else None, tree=api == "rest")
            gateway = Gateway(runtime, routes, kind, log=output, cors=cors, host=host, awaited=awaited)
            await gateway.start(sock)
            stack.push_async_callback(gateway.stop)
            stack.push_async_callback(ended, watcher)  # before the runtime stops, so that nothing new is loaded
            if ready is not None:
                ready(url(sock))
            await asyncio.Event().wait()

    with sock, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(until_signalled(run()))


def bound(host: str, port: int) -> socket.socket:
    """Return a listening socket, so that a port in use is reported before anything starts. Raises CommandError."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            said = "is in use: choose another with --port, or 0 for a free one"
        else:
            said = f"is not available ({error.strerror}): choose another --port, or a --host of this machine"
        raise CommandError(f"port {port} of {host} {said}") from error
    sock.setblocking(False)
    return sock


def url(sock: socket.socket) -> str:
    """Return the URL of a bound socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until_signalled(work: Coroutine[Any, Any, None]) -> None:
    """Run the work until it ends or a signal arrives. Further signals do not interrupt its cleanup."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)

    def stop() -> None:
        if not task.cancelling():
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    with contextlib.suppress(asyncio.CancelledError):
        await task
