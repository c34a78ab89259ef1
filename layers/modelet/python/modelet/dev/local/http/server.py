"""An HTTP/1.1 server: httptools parses the requests, and each connection answers them one after the other."""

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
"""The most bytes that are read of a head without an end."""
LARGE = 65_536
"""The largest body in bytes that is copied to be sent together with the head."""
DRAINED = 100
"""How many times the body limit is read and dropped after an error response, before the connection is closed."""
LINGER = 2.0
"""Seconds that a caller has to read an error response."""


class Wire(asyncio.Protocol):
    """One connection. It passes each complete request to `serve`, one at a time.

    admits: decides once whether the caller (its address and port) may connect; if not, the connection is closed.
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
        """Start to read."""
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
        """Drop the connection and its data. A request in progress continues, as in Lambda."""
        self._closing = True
        self._connections.discard(self)
        self._queue.clear()
        # It and the parser reference each other, so large bodies would stay until the next garbage collection.
        self.on_message_begin()
        del self._parser

    def eof_received(self) -> bool:
        """Keep the other direction open while a response is pending, because a caller may close its side first."""
        self._closing = True
        return bool(self._queue)

    def data_received(self, data: bytes) -> None:
        """Parse the data. Malformed data gets an error response and ends the connection."""
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
        """Handle the start of a request (httptools)."""
        self._target = b""
        self._headers: Headers = []
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._exchange: Exchange | None = None

    def on_url(self, url: bytes) -> None:
        """Handle the target or a part of it (httptools)."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Handle a header (httptools). Trailers are ignored."""
        if self._exchange is None:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Handle the end of the head (httptools). A body with a too large length is rejected before it is sent."""
        if self._closing or self._parser.should_upgrade():
            return  # ignore further data after an error response or the last request
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
        """Handle a part of the body (httptools)."""
        exchange = self._exchange
        if exchange is None or exchange.refusal:
            return
        self._body.append(body)
        self._body_bytes += len(body)
        if self._body_bytes > self._body_limit:
            self._too_large(exchange)

    def on_message_complete(self) -> None:
        """Handle the end of the request (httptools)."""
        exchange, self._exchange = self._exchange, None  # an idle connection keeps no body in memory
        if exchange is not None:
            self._received = 0
        if exchange is not None and not exchange.refusal:
            exchange.body = b"".join(self._body)
            self._body.clear()
            self._enqueue(exchange)

    def write(self, exchange: Exchange, head: bytes, body: bytes) -> None:
        """Send one response, then serve the next request."""
        if not self._queue or self._queue[0] is not exchange:
            return
        if not self._transport.is_closing():
            # Two writes are two packets that wake the other side twice, so it is worth copying all but large bodies.
            self._transport.write(head + body if len(body) < LARGE else head)
            if len(body) >= LARGE:
                self._transport.write(body)
        self._queue.popleft()
        self.touched = self._loop.time()
        if not exchange.keep_alive or (self._closing and not self._queue):
            self._closing = True
            self._queue.clear()
            if exchange.refusal and self._transport.can_write_eof() and not self._transport.is_closing():
                # Closing while the caller still sends would reset the connection, and the response would be lost.
                self._transport.write_eof()
                self._loop.call_later(LINGER, self._transport.close)
            else:
                self._transport.close()
        elif self._queue:
            self._loop.call_soon(self._serve, self._queue[0])
        else:
            self._transport.resume_reading()

    def close(self, idle_since: float | None = None) -> None:
        """Close a connection that is idle (since `idle_since`, if given), or after its pending responses."""
        if idle_since is not None and (self._queue or self.touched > idle_since):
            return
        self._closing = True
        if self._queue:
            self._queue[-1].keep_alive = False
        else:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection at once, without pending responses."""
        self._closing = True
        self._queue.clear()
        self._transport.abort()

    def _stay(self, rest: bytes) -> None:
        """Ignore an offer to switch protocols, as RFC 9110, 7.8 allows."""
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
            self._transport.pause_reading()  # a caller that sends several requests waits for the responses

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
    """Return the error status for a head (other HTTP version, other body coding, no host), or 0 if it is valid.

    Source: RFC 9110, 15.6.6; RFC 9112, 6.1 and 3.2.
    """
    if version not in {"1.0", "1.1"}:
        return 505
    if not names_its_host(headers, version):
        return 400
    codings = b",".join(value for name, value in headers if name.lower() == b"transfer-encoding")
    return 501 if codings and codings.strip().lower() != b"chunked" else 0


def names_its_host(headers: Headers, version: str) -> bool:
    """Return whether there is exactly one valid Host header, or none in HTTP/1.0. Source: RFC 9112, 3.2."""
    hosts = [value.decode("latin-1") for name, value in headers if name.lower() == b"host"]
    return (len(hosts) == 1 and is_host(hosts[0])) or (not hosts and version == "1.0")
