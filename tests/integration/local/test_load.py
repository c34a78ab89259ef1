"""More clients than environments: every one is answered, and nothing grows."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, cast

import psutil

from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.runtime.log import MemoryLog
from support.clients import environments, run, served

if TYPE_CHECKING:
    from pathlib import Path

CLIENTS = 64
REQUESTS = 200
"""Of each client: a count and no time, since a busy machine may do little in some tenths of a second."""

LIMIT = 4
REQUEST = b"POST /models/echo/infer HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}"
SOURCE = "def handler(event, context): return {'statusCode': 200, 'body': 'ok'}\n"


class Client(asyncio.Protocol):
    """Asks so many times on one connection, again as soon as it is answered, once all clients are connected."""

    def __init__(self, requests: int) -> None:
        self._left = requests
        self._buffer = b""
        self.answers: Counter[int] = Counter()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) if found else 0
        if found and len(body) == length:
            self._buffer = b""
            self.answers[int(head.split()[1])] += 1
            self.ask()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        if not self.ended.done():
            self.ended.set_result(None)

    def ask(self) -> None:
        """Send a request, or end after the last answer."""
        if not self._left:
            self._transport.close()
            return
        self._left -= 1
        self._transport.write(REQUEST)


def test_every_answer_is_a_200_or_a_throttle_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SOURCE)
    function = LocalFunction("echo", tmp_path, "app.handler", max_concurrency=LIMIT)
    me = psutil.Process()

    async def scenario(requests: int) -> None:
        log = MemoryLog()
        async with served(function, log=log) as gateway:
            loop = asyncio.get_running_loop()
            connected = [
                await loop.create_connection(lambda: Client(requests), "127.0.0.1", gateway.port)
                for _ in range(CLIENTS)
            ]
            clients = [client for _, client in connected]
            for client in clients:
                client.ask()
            await asyncio.gather(*(client.ended for client in clients))
            answers = sum((client.answers for client in clients), Counter())
            assert answers.total() == CLIENTS * requests
            assert set(answers) == {200, 503}
            assert answers[200] == sum(line.startswith("REPORT") for line in log.lines)
            assert len(environments()) == LIMIT

    run(scenario(5))  # what the event loop keeps for all of its successors is there now
    before = len(me.children()), me.num_fds()
    run(scenario(REQUESTS))
    assert (len(me.children()), me.num_fds()) == before
