"""HTTP/1.1 as a server speaks it: requests parsed by httptools, answered one after the other on each connection."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from modelet.dev.local.http.exchange import Exchange, Headers
from modelet.dev.local.http.hosts import is_host

if TYPE_CHECKING:
    from collections.abc import Callable

    Admits = Callable[[tuple[str, int] | None, tuple[str, int]], bool]

LONGEST_HEAD = 65_536
"""Bytes of a head that does not end, after which no more of it is read."""
LARGE = 65_536
"""Bytes of a body that is not worth a copy."""
DRAINED = 100
"""Bodies of the limit's size that are read and dropped after a refusal, before the connection is cut."""
LINGER = 2.0
"""Seconds that a refused caller has to read the answer."""


class Wire(asyncio.Protocol):
    """One connection: each whole request goes to `serve`, the next one when the one before is answered.

    admits: asked once whether the caller (its address and port) may speak to ours; one that may not is cut off.
    """

    def __init__(
        self,
        serve: Callable[[Exchange], None],
        connections: set[Wire],
        body_limit: int,
        admits: Admits | None = None,
    ) -> None:
        self._serve = serve
        self._connections = connections
        self._body_limit = body_limit
        self._admits = admits
        self._queue: deque[Exchange] = deque()
        self._received = 0
        self._closing = False
        self.peer = ""
        self.touched = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen."""
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._connections.add(self)
        peer = transport.get_extra_info("peername")
        self.peer = (peer or ("",))[0]
        self.touched = self._loop.time()
        self.on_message_begin()
        if self._admits is not None and not self._admits(peer, transport.get_extra_info("sockname")):
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """Forget the connection and what it received; what is being served goes on, as Lambda's invocations do."""
        self._closing = True
        self._connections.discard(self)
        self._queue.clear()
        # It and the parser hold each other: whole bodies would wait for the garbage collector, which counts objects.
        self.on_message_begin()
        del self._parser

    def eof_received(self) -> bool:
        """Keep the other direction open while an answer is due: a caller may close its own side first."""
        self._closing = True
        return bool(self._queue)

    def data_received(self, data: bytes) -> None:
        """Parse what came; malformed bytes are refused and end the connection."""
        self.touched = self._loop.time()
        if self._closing:
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self._refuse(400)
        if self._exchange is None and self._received > LONGEST_HEAD:
            self._refuse(431)
        elif self._received > DRAINED * self._body_limit + LONGEST_HEAD:
            self._transport.abort()

    def on_message_begin(self) -> None:
        """httptools: a request starts."""
        self._target = b""
        self._headers: Headers = []
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._exchange: Exchange | None = None

    def on_url(self, url: bytes) -> None:
        """httptools: the target, whole or a part."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a header, or a trailer, which nobody asked for."""
        if self._exchange is None:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """httptools: the head is whole; a body that says it is too large is refused before it comes."""
        if self._closing or self._parser.should_upgrade():
            return  # what else the packet holds, behind a refusal or the last request, is not served
        method, version = self._parser.get_method().decode(), self._parser.get_http_version()
        if refusal := refusal_of(self._headers, version):
            self._refuse(refusal)
            return
        exchange = Exchange(self, method, self._target, version, self._headers)
        exchange.keep_alive = self._parser.should_keep_alive()
        self._exchange = exchange
        for name, value in self._headers:
            lowered = name.lower()
            if lowered == b"content-length" and int(value) > self._body_limit:
                self._too_large(exchange)
            elif (
                lowered == b"expect" and value.lower() == b"100-continue" and not exchange.refusal and version != "1.0"
            ):
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")  # to HTTP/1.0 never: RFC 9110, 10.1.1

    def on_body(self, body: bytes) -> None:
        """httptools: a part of the body."""
        exchange = self._exchange
        if exchange is None or exchange.refusal:
            return
        self._body.append(body)
        self._body_bytes += len(body)
        if self._body_bytes > self._body_limit:
            self._too_large(exchange)

    def on_message_complete(self) -> None:
        """httptools: the request is whole."""
        exchange, self._exchange = self._exchange, None  # a connection may stay for long: it keeps no body meanwhile
        if exchange is not None:
            self._received = 0
        if exchange is not None and not exchange.refusal:
            exchange.body = b"".join(self._body)
            self._body.clear()
            self._enqueue(exchange)

    def write(self, exchange: Exchange, head: bytes, body: bytes) -> None:
        """Send one answer, then serve the request behind it."""
        if not self._queue or self._queue[0] is not exchange:
            return
        if not self._transport.is_closing():
            # Two writes are two packets, and the other side is woken twice: worth a copy of all but the large bodies.
            self._transport.write(head + body if len(body) < LARGE else head)
            if len(body) >= LARGE:
                self._transport.write(body)
        self._queue.popleft()
        self.touched = self._loop.time()
        if not exchange.keep_alive or (self._closing and not self._queue):
            self._closing = True
            self._queue.clear()
            if exchange.refusal and self._transport.can_write_eof() and not self._transport.is_closing():
                # To close while the caller still sends would reset the connection, and the answer with it.
                self._transport.write_eof()
                self._loop.call_later(LINGER, self._transport.close)
            else:
                self._transport.close()
        elif self._queue:
            self._loop.call_soon(self._serve, self._queue[0])
        else:
            self._transport.resume_reading()

    def close(self, idle_since: float | None = None) -> None:
        """Close a connection that waits for a request (since `idle_since`, when given), or after the answers due."""
        if idle_since is not None and (self._queue or self.touched > idle_since):
            return
        self._closing = True
        if self._queue:
            self._queue[-1].keep_alive = False
        else:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever is due."""
        self._closing = True
        self._queue.clear()
        self._transport.abort()

    def _stay(self, rest: bytes) -> None:
        """Read a request that offers another protocol as if it did not, which RFC 9110, 7.8 allows."""
        method, version = self._parser.get_method(), self._parser.get_http_version().encode()
        if method == b"CONNECT":
            self._refuse(400)
            return
        lines = [b"%b: %b\r\n" % header for header in self._headers if header[0].lower() != b"upgrade"]
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self._target, version, b"".join(lines))
        self._parser = httptools.HttpRequestParser(self)
        self.data_received(head + rest)

    def _enqueue(self, exchange: Exchange) -> None:
        self._queue.append(exchange)
        if len(self._queue) == 1:
            self._serve(exchange)
        else:
            self._transport.pause_reading()  # a caller that sends ahead waits for its answers

    def _too_large(self, exchange: Exchange) -> None:
        if not exchange.refusal:
            self._body.clear()
            exchange.refusal = 413
            self._enqueue(exchange)

    def _refuse(self, status: int) -> None:
        if self._closing:
            return
        self._closing = True
        if self._exchange is not None and self._exchange.refusal:
            return
        exchange = Exchange(self, "GET", b"/", "1.1", [])
        exchange.refusal = status
        exchange.keep_alive = False
        self._enqueue(exchange)


def refusal_of(headers: Headers, version: str) -> int:
    """The status for a head that is not served: another HTTP, a body in another coding, no host; 0 for one that is.

    Source: RFC 9110, 15.6.6; RFC 9112, 6.1 and 3.2.
    """
    if version not in {"1.0", "1.1"}:
        return 505
    if not names_its_host(headers, version):
        return 400
    codings = b",".join(value for name, value in headers if name.lower() == b"transfer-encoding")
    return 501 if codings and codings.strip().lower() != b"chunked" else 0


def names_its_host(headers: Headers, version: str) -> bool:
    """Whether there is one Host and it is valid, or none in HTTP/1.0. Source: RFC 9112, 3.2."""
    hosts = [value.decode("latin-1") for name, value in headers if name.lower() == b"host"]
    return (len(hosts) == 1 and is_host(hosts[0])) or (not hosts and version == "1.0")
