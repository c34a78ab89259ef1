"""More clients than environments: every one is answered, and nothing grows."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, cast

import psutil

from gateways import environments, run, served
from modelet.dev.local.function import LocalFunction
from modelet.dev.local.log import MemoryLog

if TYPE_CHECKING:
    from pathlib import Path

CLIENTS = 64
SECONDS = 2.0
LIMIT = 4
REQUEST = b"POST /models/echo/infer HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}"
SOURCE = "def handler(event, context): return {'statusCode': 200, 'body': 'ok'}\n"


class Client(asyncio.Protocol):
    """Asks again as soon as it is answered, on one connection."""

    def __init__(self, until: float) -> None:
        self._until = until
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self.answers: Counter[int] = Counter()
        self.asked = 0
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) if found else 0
        if found and len(body) == length:
            self._buffer = b""
            self.answers[int(head.split()[1])] += 1
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        if not self.ended.done():
            self.ended.set_result(None)

    def _ask(self) -> None:
        if self._loop.time() > self._until:
            self._transport.close()
        else:
            self.asked += 1
            self._transport.write(REQUEST)


def test_every_answer_is_a_200_or_a_throttle_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SOURCE)
    function = LocalFunction("echo", tmp_path, "app.handler", max_concurrency=LIMIT)
    me = psutil.Process()

    async def scenario(seconds: float) -> None:
        log = MemoryLog()
        async with served(function, log=log) as gateway:
            loop = asyncio.get_running_loop()
            until = loop.time() + seconds
            connected = [
                await loop.create_connection(lambda: Client(until), "127.0.0.1", gateway.port) for _ in range(CLIENTS)
            ]
            clients = [client for _, client in connected]
            await asyncio.gather(*(client.ended for client in clients))
            answers = sum((client.answers for client in clients), Counter())
            assert answers.total() == sum(client.asked for client in clients)
            assert set(answers) == {200, 503}
            assert answers[200] == sum(line.startswith("REPORT") for line in log.lines)
            assert len(environments()) == LIMIT

    run(scenario(0.3))  # what the event loop keeps for all of its successors is there now
    before = len(me.children()), me.num_fds()
    run(scenario(SECONDS))
    assert (len(me.children()), me.num_fds()) == before
