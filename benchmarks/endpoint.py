"""A server of DynamoDB's requests that costs its clients as little as possible, in a process of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

    Reply = Callable[[bytes, bytes], tuple[bytes, bytes]]
    """Takes a request's head in lower case and its body, and returns lines of headers and the body of the answer."""


class Connection(asyncio.Protocol):
    """One connection, kept alive: as much of HTTP/1.1 as the clients of DynamoDB use."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a TCP server
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end]).lower()
            _, _, length = head.partition(b"\r\ncontent-length:")
            size = int(length.split(b"\r\n", 1)[0]) if length else 0
            if len(self._received) < end + 4 + size:
                if b"\r\nexpect: 100-continue" in head:
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body = bytes(self._received[end + 4 : end + 4 + size])
            del self._received[: end + 4 + size]
            headers, answer = self._reply(head, body)
            self._transport.write(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n" % (headers, len(answer)) + answer)


async def serve(reply: Reply, tls: SSLContext | None = None) -> None:
    """Print a free port, and serve on it until the process is ended."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(reply), "127.0.0.1", 0, ssl=tls)
    click.echo(server.sockets[0].getsockname()[1])
    await server.serve_forever()
