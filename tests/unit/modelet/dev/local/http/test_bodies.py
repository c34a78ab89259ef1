"""Bodies are freed with their requests, without the garbage collector's help."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from modelet.dev.local.runtime.log import MemoryLog
from support.clients import Make, run, served, until

UPLOADS = 30
BODY = b"x" * 4_000_000
BOUND = 4 * len(BODY)
"""Bytes that may be held after the uploads, which are ten times as many."""


@pytest.fixture
def paused_gc() -> Iterator[None]:
    """It counts objects, not bytes: a few cycles that hold megabytes wait for very long."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


def held() -> int:
    return tracemalloc.get_traced_memory()[0]


async def upload(port: int, sent: int, *, answered: bool) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"POST /models/echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(BODY)
    writer.write(head + BODY[:sent])
    await writer.drain()
    if answered:
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.transport.abort()


@pytest.mark.usefixtures("paused_gc")
@pytest.mark.parametrize(("sent", "answered"), [(len(BODY), True), (len(BODY) - 1, False)], ids=["whole", "broken off"])
def test_closed_connections_hold_no_body(make: Make, log: MemoryLog, sent: int, *, answered: bool) -> None:
    async def scenario() -> None:
        function = make("def handler(event, context): return 'taken'\n")
        async with served(function, log=log) as client:
            before = held()
            for _ in range(UPLOADS):
                await upload(client.port, sent, answered=answered)
            await until(lambda: held() - before < BOUND)

    run(scenario())


@pytest.mark.usefixtures("paused_gc")
def test_idle_connections_and_idle_environments_hold_no_body(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        source = "def handler(event, context): return {'statusCode': 200, 'body': event['body']}\n"
        async with served(make(source), log=log) as client:
            before = held()
            idle = [await asyncio.open_connection("127.0.0.1", client.port) for _ in range(UPLOADS)]
            for reader, writer in idle:
                head = b"POST /models/echo HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n"
                writer.write(head + b"content-length: %d\r\n\r\n" % len(BODY) + BODY)
                await reader.readuntil(b"\r\n\r\n")
                for _ in range(len(BODY) // 1000):
                    await reader.readexactly(1000)
            await until(lambda: held() - before < BOUND)
            for _, writer in idle:
                writer.close()

    run(scenario())


@pytest.mark.usefixtures("paused_gc")
def test_environments_that_were_killed_hold_no_event(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        source = "import os\ndef handler(event, context): os._exit(1)\n"
        async with served(make(source), log=log) as client:
            before = held()
            for _ in range(UPLOADS // 3):
                assert (await client.ask("POST", "/models/echo", BODY, {"content-type": "text/plain"})).status == 500
            await until(lambda: held() - before < BOUND // 2)

    run(scenario())
