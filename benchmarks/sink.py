"""An endpoint that takes every BatchWriteItem and counts the items: `python -m benchmarks.sink` prints its port.

It costs its clients as little as possible, in a process of its own. Any GET answers the counts, and begins anew.
"""

from __future__ import annotations

import asyncio
import json

import click

ANSWER = b'{"UnprocessedItems":{}}'


class Counts:
    """What was received: requests, items and bytes."""

    def __init__(self) -> None:
        self.requests = self.items = self.bytes = 0

    def take(self, body: bytes) -> None:
        """Count a request."""
        self.requests += 1
        self.items += body.count(b'"PutRequest"')
        self.bytes += len(body)

    def answer(self) -> bytes:
        """Return the counts as JSON, and begin anew."""
        counts = json.dumps(vars(self)).encode()
        self.__init__()  # type: ignore[misc] # all members are set there
        return counts


class Sink(asyncio.Protocol):
    """One connection: as much of HTTP/1.1 as the clients of DynamoDB use."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
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
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"get "):
            answer = self._counts.answer()
        else:
            self._counts.take(body)
            answer = ANSWER
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)


async def main() -> None:
    """Serve on a free port until the process is ended."""
    counts = Counts()
    server = await asyncio.get_running_loop().create_server(lambda: Sink(counts), "127.0.0.1", 0)
    click.echo(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
