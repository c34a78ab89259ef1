"""One HTTP request and its response."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
BODILESS = {204, 304}

Headers = list[tuple[bytes, bytes]]


class Sender(Protocol):
    """The connection of a request. peer: the caller's IP address."""

    peer: str

    def write(self, exchange: Exchange, head: bytes, body: bytes) -> None:
        """Send the response to this request."""


class Exchange:
    """One request, which can be answered once. The response is dropped if the caller has disconnected.

    target: as sent, percent-encoded. headers: in the sender's order and case. refusal: the error status for a request
    that cannot be served (400 malformed, 413 body above the limit, 505 other HTTP version), otherwise 0. The body of
    such a request is dropped.
    """

    __slots__ = ("_sender", "body", "headers", "keep_alive", "method", "refusal", "target", "version")

    def __init__(self, sender: Sender, method: str, target: bytes, version: str, headers: Headers) -> None:
        self._sender = sender
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.body = b""
        self.refusal = 0
        self.keep_alive = True

    @property
    def peer(self) -> str:
        """Return the caller's IP address."""
        return self._sender.peer

    def answer(self, status: int, headers: Iterable[tuple[bytes, bytes]] = (), body: bytes = b"") -> None:
        """Send the response, with its length and the Connection header."""
        lines = [b"HTTP/1.1 %d %b\r\n" % (status, REASONS.get(status, b"Unknown"))]
        lines += [b"%b: %b\r\n" % header for header in headers]
        if status not in BODILESS:
            lines.append(b"content-length: %d\r\n" % len(body))
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        elif self.version == "1.0":
            lines.append(b"connection: keep-alive\r\n")
        lines.append(b"\r\n")
        bodiless = self.method == "HEAD" or status in BODILESS
        self._sender.write(self, b"".join(lines), b"" if bodiless else body)
