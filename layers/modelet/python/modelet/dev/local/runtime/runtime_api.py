"""The Lambda Runtime API of one environment, on a port of its own, as the official runtime client calls it.

Source: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, and awslambdaric's own source.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelet.dev.local.http.peer import is_own
from modelet.dev.local.http.server import Wire
from modelet.dev.local.runtime.outcome import failure
from modelet.violation import RESPONSE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.dev.local.http.exchange import Exchange
    from modelet.dev.local.http.server import Admits

ROOT = "/2018-06-01/runtime/"
JSON = (b"content-type", b"application/json")
ACCEPTED = b'{"status":"OK"}'
LONGEST_ANSWER = 16 * RESPONSE_LIMIT
INVOCATION = re.compile(re.escape(ROOT) + r"invocation/([^/]+)/(response|error)")


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event on its way to the function; deadline_ms is the epoch's, in milliseconds."""

    request_id: str
    event: bytes
    deadline_ms: int
    arn: str
    trace: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the function posted: its answer, or its error with the error's type."""

    payload: bytes
    error: str | None = None


class RuntimeApi:
    """Hands one invocation at a time to the client; on Linux, programs of other users are cut off.

    They could read events and forge answers: the port is open to all of the machine, and the client knows no token.
    Pages in a browser of the same user could too, by a name of their own that leads here (see hosts): only the address
    that the client was given is answered.

    on_waiting: the client asked for the next event: it is initialised and idle. on_reply: it answered the invocation.
    on_init_error: it said why it cannot start. admits: see Wire; None admits every program.
    """

    def __init__(
        self,
        on_waiting: Callable[[], None],
        on_reply: Callable[[Reply], None],
        on_init_error: Callable[[Reply], None],
        admits: Admits | None = is_own,
    ) -> None:
        self._on_waiting = on_waiting
        self._on_reply = on_reply
        self._on_init_error = on_init_error
        self._admits = admits
        self._connections: set[Wire] = set()
        self._next: Exchange | None = None
        self._current: Invocation | None = None
        self._server: asyncio.Server | None = None
        self._address = ""

    async def start(self) -> str:
        """Listen on a free port; returns the address for AWS_LAMBDA_RUNTIME_API."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Wire(self._serve, self._connections, LONGEST_ANSWER, self._admits), "127.0.0.1", 0
        )
        host, port = self._server.sockets[0].getsockname()[:2]
        self._address = f"{host}:{port}"
        return self._address

    def send(self, invocation: Invocation) -> None:
        """Answer the client's waiting request for the next event."""
        exchange, self._next = self._next, None
        if exchange is None:
            raise RuntimeError("the environment does not wait for an event")
        self._current = invocation
        headers = [
            JSON,
            (b"lambda-runtime-aws-request-id", invocation.request_id.encode()),
            (b"lambda-runtime-deadline-ms", b"%d" % invocation.deadline_ms),
            (b"lambda-runtime-invoked-function-arn", invocation.arn.encode()),
            (b"lambda-runtime-trace-id", invocation.trace.encode()),
        ]
        exchange.answer(200, headers, invocation.event)

    async def stop(self) -> None:
        """Close the port and every connection, and forget the event that was not answered."""
        self._next = self._current = None
        if self._server is None:
            return
        self._server.close()
        for wire in list(self._connections):
            wire.abort()
        await self._server.wait_closed()

    def _serve(self, exchange: Exchange) -> None:
        path = exchange.target.decode("latin-1")
        if [value.decode("latin-1") for name, value in exchange.headers if name.lower() == b"host"] != [self._address]:
            named = failure("Forbidden", f"this is {self._address}, and the request names another host")
            exchange.answer(exchange.refusal or 403, [JSON], named)
        elif exchange.method == "GET" and path == ROOT + "invocation/next":
            self._next = exchange
            self._on_waiting()
        elif exchange.method == "GET" and path == ROOT + "restore/next":
            exchange.answer(200, [JSON], ACCEPTED)  # nothing is kept here: the environment goes on as if restored
        elif exchange.method == "POST" and path in {ROOT + "init/error", ROOT + "restore/error"}:
            exchange.answer(202, [JSON], ACCEPTED)
            self._on_init_error(posted_error(exchange))
        elif exchange.method == "POST" and (match := INVOCATION.fullmatch(path)):
            self._answered(exchange, *match.groups())
        else:
            exchange.answer(404, [JSON], failure("NotFound", f"no such endpoint: {exchange.method} {path}"))

    def _answered(self, exchange: Exchange, request_id: str, kind: str) -> None:
        if self._current is None or self._current.request_id != request_id:
            exchange.answer(400, [JSON], failure("InvalidRequestID", "Invalid request ID"))
            return
        self._current = None
        if kind == "error":
            exchange.answer(202, [JSON], ACCEPTED)
            self._on_reply(posted_error(exchange))
        elif exchange.refusal or len(exchange.body) > RESPONSE_LIMIT:
            # The client dies of this answer, in Lambda too: the next request meets a new environment.
            limit = f"maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
            exchange.answer(413, [JSON], failure("RequestEntityTooLarge", f"Exceeded {limit}"))
            error = "Function.ResponseSizeTooLarge"
            self._on_reply(Reply(failure(error, f"Response payload size exceeded {limit}"), error))
        else:
            exchange.answer(202, [JSON], ACCEPTED)
            self._on_reply(Reply(exchange.body))


def posted_error(exchange: Exchange) -> Reply:
    """The error that the client posted; its type is in the body, and in a header where the client adds one."""
    named = ""
    for name, value in exchange.headers:
        if name.lower() == b"lambda-runtime-function-error-type":
            named = value.decode("latin-1")
    try:
        body = json.loads(exchange.body)
    except (ValueError, RecursionError):
        body = {}
    stated = body.get("errorType") if isinstance(body, dict) else None
    return Reply(exchange.body or b"{}", str(stated or named or "Runtime.Unknown"))
