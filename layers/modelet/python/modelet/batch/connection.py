"""Signed requests to DynamoDB over one connection, with the standard library only."""

from __future__ import annotations

import http.client
import json
import select
import time
import weakref
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from modelet.aws import sign

if TYPE_CHECKING:
    import socket
    import ssl

    from modelet.aws import Keys

TRANSIENT = {
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
"""The names of errors that pass, whatever their status."""

COPIED_BYTES = 65_536
"""Up to this size a body is sent together with its head: one packet and one TLS record less than http.client's."""


def may_pass(status: int, name: str) -> bool:
    """Return whether the same request may succeed later. name: of the error."""
    return status >= 500 or status in {408, 429} or name in TRANSIENT


def error_message(answer: bytes) -> str:
    """Return the text of DynamoDB's error; empty if it has none."""
    try:
        error = json.loads(answer)
        return str(error.get("message") or error.get("Message") or "")[:300]
    except (ValueError, AttributeError):
        return ""


class Signs(Protocol):
    """Where requests go and who signs them. url: of DynamoDB. region: in which it signs."""

    url: str
    region: str

    def keys(self) -> Keys:
        """Return the current keys."""

    @property
    def tls(self) -> ssl.SSLContext:
        """The TLS context."""


def has_data(sock: socket.socket) -> bool:
    """Return whether a connection without a request has data, or its end: then the other side has closed it."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class SignedConnection:
    """One connection, kept alive, for one thread. timeout: seconds for connecting and for each read.

    It is closed with the last reference to it.
    """

    def __init__(self, endpoint: Signs, timeout: float) -> None:
        self._endpoint = endpoint
        parts = urlsplit(endpoint.url)
        self._url, self._path = endpoint.url, parts.path or "/"
        self._connection = (
            http.client.HTTPSConnection(parts.netloc, timeout=timeout, context=endpoint.tls)
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.netloc, timeout=timeout)
        )
        weakref.finalize(self, self._connection.close)

    def post(self, operation: str, body: bytes, *, timeout: float | None = None) -> tuple[int, bytes]:
        """Send a request, and return the status and the body of the answer. operation: such as GetItem.

        timeout: in seconds, from now on instead of the connection's own.

        Raises OSError or http.client.HTTPException if the answer is not complete; the next request then connects again.
        """
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        endpoint = self._endpoint
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        }
        headers = sign(self._url, headers, body, endpoint.keys(), endpoint.region, "dynamodb", now)
        lines = [f"POST {self._path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "\r\n"]).encode("latin-1")
        parts = (head + body,) if len(body) < COPIED_BYTES else (head, body)
        connection = self._connection
        if connection.sock is not None and has_data(connection.sock):
            connection.close()  # DynamoDB has closed it, as while Lambda paused the environment
        if timeout is not None:
            connection.timeout = timeout
            if connection.sock is not None:
                connection.sock.settimeout(timeout)
        try:
            for part in parts:
                connection.send(part)
            with http.client.HTTPResponse(connection.sock, method="POST") as response:
                response.begin()
                answer = response.status, response.read()
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
