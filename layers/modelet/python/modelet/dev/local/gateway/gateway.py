"""The local API Gateway: it converts HTTP requests on one port to events, and function results to responses."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING

from modelet.dev.local.gateway.request import GatewayRequest, host_of, read
from modelet.dev.local.gateway.response import GatewayResponse, Trouble
from modelet.dev.local.http.hosts import LOOPBACK, Hosts
from modelet.dev.local.http.server import Wire
from modelet.errors import CommandError, ThrottledError, TooLargeError

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Mapping

    from modelet.dev.local.gateway.cors import Cors
    from modelet.dev.local.gateway.http_api import HttpApi
    from modelet.dev.local.gateway.rest_api import RestApi
    from modelet.dev.local.http.exchange import Exchange
    from modelet.dev.local.runtime.log import Log
    from modelet.dev.local.runtime.runtime import Runtime
    from modelet.dev.project.routes import Route, Routes

BODY_LIMIT = 10_485_760
HEAD_LIMIT = 10_240
"""The largest body in bytes; the largest request line and header values together in bytes.

Source: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html.
"""
BACKLOG = 1024
"""The most connections that the kernel queues before they are accepted."""
IDLE_LIMIT = 60.0
"""Seconds after which a connection without data is closed."""
REFUSED = {
    400: Trouble.MALFORMED_REQUEST,
    413: Trouble.BODY_TOO_LARGE,
    431: Trouble.HEAD_TOO_LARGE,
    501: Trouble.UNKNOWN_CODING,
    505: Trouble.UNKNOWN_VERSION,
}


class Gateway:
    """Handles HTTP requests with functions. Responses contain no error texts or stack traces; these are in the log.

    host: the address that it is bound to, as the user gave it. It determines the accepted Host headers. awaited: what
    the requests to a function wait for, however long it takes, by the function's name; it may raise CommandError.
    """

    def __init__(
        self,
        runtime: Runtime,
        routes: Routes,
        api: HttpApi | RestApi,
        *,
        log: Log,
        cors: Cors | None = None,
        host: str = LOOPBACK,
        awaited: Mapping[str, Callable[[], Awaitable[None]]] | None = None,
    ) -> None:
        self._awaited = awaited or {}
        self._runtime = runtime
        self._routes = routes
        self._api = api
        self._log = log
        self._cors = cors
        self._hosts = Hosts(host)
        self._connections: set[Wire] = set()
        self._under_way: set[asyncio.Task[None]] = set()
        self._port = 0
        self._date = (0, b"")

    async def start(self, sock: socket.socket) -> None:
        """Serve a bound socket."""
        self._loop = asyncio.get_running_loop()
        self._port = sock.getsockname()[1]
        self._server = await self._loop.create_server(
            lambda: Wire(self._serve, self._connections, BODY_LIMIT), sock=sock, backlog=BACKLOG
        )
        self._sweeper = self._loop.call_later(IDLE_LIMIT / 4, self._sweep)

    async def stop(self, grace_s: float = 1.0) -> None:
        """Stop accepting connections, wait at most `grace_s` seconds for running requests, then close everything."""
        self._server.close()
        self._sweeper.cancel()
        for wire in list(self._connections):
            wire.close()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=grace_s)
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        for wire in list(self._connections):
            wire.abort()
        await self._server.wait_closed()

    def _serve(self, exchange: Exchange) -> None:
        request, request_id = read(exchange, self._port), self._api.new_id()
        host = host_of(exchange)
        if exchange.refusal:
            self._refuse(exchange, request, REFUSED[exchange.refusal], "", request_id)
        elif host is not None and not self._hosts.accepts(host):
            reason = f"{host[:100]!r} is not a host of this gateway: use localhost, or modelet up --host"
            self._refuse(exchange, request, Trouble.FOREIGN_HOST, reason, request_id)
        elif head_bytes(exchange) > HEAD_LIMIT:
            self._refuse(exchange, request, Trouble.HEAD_TOO_LARGE, "", request_id)
        elif self._cors is not None and (preflight := self._cors.preflight(request)) is not None:
            self._send(exchange, preflight._replace(headers=[*preflight.headers, self._api.mark(request_id)]))
        elif (route := self._routes.match(self._api.routed(request))) is None:
            self._refuse(exchange, request, Trouble.NO_ROUTE, "", request_id)
        else:
            task = self._loop.create_task(self._invoke(exchange, request, route, request_id))
            self._under_way.add(task)
            task.add_done_callback(partial(self._done, exchange, request, request_id))

    async def _invoke(self, exchange: Exchange, request: GatewayRequest, route: Route, request_id: str) -> None:
        if (wait := self._awaited.get(route.function)) is not None:
            try:
                await wait()
            except CommandError as error:
                self._refuse(exchange, request, Trouble.FUNCTION_FAILED, str(error), request_id)
                return
        event = self._api.event(request, route, request_id)
        # The timeout of the integration ends only the request: the function continues, but its response is dropped.
        timer = self._loop.call_later(
            self._api.timeout_s, self._refuse, exchange, request, Trouble.TIMED_OUT, "", request_id
        )
        try:
            outcome = await self._runtime.invoke(route.function, event, request.trace)
        except ThrottledError:  # the pool has logged it
            self._send(exchange, self._allowed(self._api.refuse(Trouble.THROTTLED, request_id), request))
        except TooLargeError as error:
            self._refuse(exchange, request, Trouble.EVENT_TOO_LARGE, str(error), request_id)
        else:
            if outcome.error is not None:
                reason = f"{outcome.error} in request {outcome.request_id}"
                self._refuse(exchange, request, Trouble.FUNCTION_FAILED, reason, request_id)
            else:
                self._respond(exchange, request, outcome.payload, request_id)
        finally:
            timer.cancel()

    def _done(self, exchange: Exchange, request: GatewayRequest, request_id: str, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Respond even after an unexpected error, so that the caller does not wait forever.
            self._refuse(exchange, request, Trouble.FUNCTION_FAILED, repr(error), request_id)

    def _respond(self, exchange: Exchange, request: GatewayRequest, payload: bytes, request_id: str) -> None:
        try:
            answer = self._api.answer(payload, request, request_id)
        except (TypeError, ValueError) as error:
            self._refuse(exchange, request, Trouble.MALFORMED_ANSWER, str(error), request_id)
            return
        self._send(exchange, self._allowed(answer, request))

    def _refuse(
        self, exchange: Exchange, request: GatewayRequest, trouble: Trouble, reason: str, request_id: str
    ) -> None:
        answer = self._api.refuse(trouble, request_id)
        why = trouble.name.lower().replace("_", " ") + (f": {reason}" if reason else "")
        self._log.line("gateway", f"{request.method} {request.path}: {answer.status}, {why}")
        self._send(exchange, self._allowed(answer, request))

    def _allowed(self, answer: GatewayResponse, request: GatewayRequest) -> GatewayResponse:
        if self._cors is not None and self._api.cors_on_answers:
            return self._cors.apply(answer, request)
        return answer

    def _send(self, exchange: Exchange, answer: GatewayResponse) -> None:
        now = int(self._loop.time())
        if self._date[0] != now:
            self._date = (now, formatdate(usegmt=True).encode())
        exchange.answer(answer.status, [(b"date", self._date[1]), *answer.headers], answer.body)

    def _sweep(self) -> None:
        idle_since = self._loop.time() - IDLE_LIMIT
        for wire in list(self._connections):
            wire.close(idle_since)
        self._sweeper = self._loop.call_later(IDLE_LIMIT / 4, self._sweep)


def head_bytes(exchange: Exchange) -> int:
    """Return the number of bytes of a head that count towards the limit."""
    line = len(exchange.method) + len(exchange.target) + len(" HTTP/1.1 ")
    return line + sum(len(value) for _, value in exchange.headers)
