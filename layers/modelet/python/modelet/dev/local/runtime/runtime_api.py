"""The Lambda Runtime API of one environment, on its own port, for the official runtime client.

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
    """One event for the function. deadline_ms: milliseconds since the epoch."""

    request_id: str
    event: bytes
    deadline_ms: int
    arn: str
    trace: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the function posted: its response, or its error with the error's type."""

    payload: bytes
    error: str | None = None


class RuntimeApi:
    """Gives the client one invocation at a time. On Linux, it disconnects programs of other users.

    They could read events and forge responses, because every program on the machine can connect to the port, and the
    client has no token. A web page in the same user's browser could use DNS rebinding (see hosts), so the Host header
    must be the address that the client was given.

    on_waiting: the client asks for the next event, so it is initialised and idle. on_reply: it answered the invocation.
    on_init_error: it reported why it cannot start. admits: see Wire; None admits every program.
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
        """Listen on a free port. Return the address for AWS_LAMBDA_RUNTIME_API."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Wire(self._serve, self._connections, LONGEST_ANSWER, self._admits), "127.0.0.1", 0
        )
        host, port = self._server.sockets[0].getsockname()[:2]
        self._address = f"{host}:{port}"
        return self._address

    def send(self, invocation: Invocation) -> None:
        """Answer the client's pending request for the next event."""
        exchange, self._next = self._next, None
        if exchange is None:
            raise RuntimeError("the environment is not waiting for an event")
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
        """Close the port and every connection, and drop the pending event."""
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
            named = failure("Forbidden", f"this is {self._address}, but the request has another Host header")
            exchange.answer(exchange.refusal or 403, [JSON], named)
        elif exchange.method == "GET" and path == ROOT + "invocation/next":
            self._next = exchange
            self._on_waiting()
        elif exchange.method == "GET" and path == ROOT + "restore/next":
            exchange.answer(200, [JSON], ACCEPTED)  # there is no snapshot: continue as if restored
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
            # This response ends the client, as in Lambda: the next request gets a new environment.
            limit = f"maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
            exchange.answer(413, [JSON], failure("RequestEntityTooLarge", f"Exceeded {limit}"))
            error = "Function.ResponseSizeTooLarge"
            self._on_reply(Reply(failure(error, f"Response payload size exceeded {limit}"), error))
        else:
            exchange.answer(202, [JSON], ACCEPTED)
            self._on_reply(Reply(exchange.body))


def posted_error(exchange: Exchange) -> Reply:
    """Return the error that the client posted. Its type is in the body, and sometimes also in a header."""
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
