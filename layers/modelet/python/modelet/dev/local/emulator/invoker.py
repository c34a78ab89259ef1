"""Answers the emulator's invocations of functions with the environments of `modelet up`."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from modelet.dev.local.emulator.names import function_name, worker_name
from modelet.dev.local.http.hosts import LOOPBACK
from modelet.dev.local.http.server import Wire
from modelet.errors import ThrottledError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractAsyncContextManager

    from modelet.dev.local.emulator.worker import Worker
    from modelet.dev.local.http.exchange import Exchange
    from modelet.dev.local.runtime.runtime import Runtime

BODY_LIMIT = 32 * 1_048_576
"""The largest question in bytes: an event of Lambda's limit, and room for its escapes."""
JSON = [(b"content-type", b"application/json")]


class Invoker:
    """A server on this machine, in the event loop of the runtime. Its URL has a secret path.

    At most as many invocations of a worker run at once as this machine has processors; the others wait for their turn,
    where Lambda would throttle them or have more environments. A model's own function is throttled as ever.
    """

    def __init__(self, runtime: Runtime, workers: Iterable[Worker]) -> None:
        self._runtime = runtime
        self._functions: dict[str, tuple[str, AbstractAsyncContextManager[None]]] = {}
        for worker in workers:
            at_once = min(os.cpu_count() or 1, worker.function.max_concurrency)
            self._functions[worker_name(worker.model)] = worker.function.name, asyncio.Semaphore(at_once)
            self._functions[function_name(worker.model)] = worker.model, nullcontext()
        self._secret = f"/{secrets.token_urlsafe(24)}"
        self._connections: set[Wire] = set()
        self._under_way: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Start to serve, and return the URL."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Wire(self._serve, self._connections, BODY_LIMIT), LOOPBACK, 0, backlog=1024
        )
        return f"http://{LOOPBACK}:{self._server.sockets[0].getsockname()[1]}{self._secret}"

    async def stop(self) -> None:
        """Stop to serve, and cancel what is under way."""
        self._server.close()
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        for wire in list(self._connections):
            wire.abort()
        await self._server.wait_closed()

    def _serve(self, exchange: Exchange) -> None:
        if exchange.refusal or exchange.method != "POST" or exchange.target.decode("latin-1") != self._secret:
            exchange.answer(exchange.refusal or 404)
            return
        task = asyncio.get_running_loop().create_task(self._answer(exchange))
        self._under_way.add(task)
        task.add_done_callback(partial(self._done, exchange))

    async def _answer(self, exchange: Exchange) -> None:
        question = json.loads(exchange.body)
        try:
            payload, error = await self._invoke(question["function"], question["event"])
            answer = {"payload": payload, "error": error, "throttled": False}
        except ThrottledError:
            answer = {"throttled": True}
        body = json.dumps(answer, ensure_ascii=False).encode()
        exchange.answer(200, JSON, body)

    async def _invoke(self, function: str, event: Any) -> tuple[Any, str | None]:
        """Return the function's result and None, or the payload and the type of its error. Raises ThrottledError."""
        known = self._functions.get(function)
        if known is None:
            return _failure("ResourceNotFoundException", f"modelet up does not serve {function} now")
        name, turn = known
        async with turn:
            try:
                outcome = await self._runtime.invoke(name, json.dumps(event, ensure_ascii=False).encode())
            except TooLargeError as error:
                return _failure("RequestEntityTooLargeException", str(error))
        return json.loads(outcome.payload), outcome.error

    def _done(self, exchange: Exchange, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and task.exception() is not None:
            exchange.answer(500)


def _failure(kind: str, message: str) -> tuple[dict[str, str], str]:
    return {"errorType": kind, "errorMessage": message}, kind
