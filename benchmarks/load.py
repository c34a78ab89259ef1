"""Load on a running `modelet up`: clients that ask again as soon as they are answered, for a bounded time.

Prints how many answers there were of each status, how many requests got none, and the latency of those with a 200.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from urllib.parse import urlsplit

import click
import uvloop

LONGEST = 300
"""Seconds that a load may take."""


class Load:
    """Clients with one connection each, against one URL of this machine."""

    def __init__(self, url: str, body: str) -> None:
        parts = urlsplit(url)
        if parts.hostname != "127.0.0.1" or parts.port is None:
            raise click.UsageError(f"{url} is not a server of this machine: give http://127.0.0.1:PORT/…")
        self._port = parts.port
        data = body.encode()
        head = f"POST {parts.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        self._request = f"{head}content-length: {len(data)}\r\n\r\n".encode() + data
        self.statuses: Counter[int] = Counter()
        self.lost = 0
        self.latencies: list[float] = []

    async def run(self, clients: int, seconds: float) -> None:
        """Ask with so many clients for so long."""
        end = time.perf_counter() + seconds
        await asyncio.gather(*(self._client(end) for _ in range(clients)))

    async def _client(self, end: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while (began := time.perf_counter()) < end:
            writer.write(self._request)
            try:
                status = await _answer(reader)
            except (asyncio.IncompleteReadError, ConnectionError):
                self.lost += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                continue
            self.statuses[status] += 1
            if status == 200:
                self.latencies.append(time.perf_counter() - began)
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
    return int(head.split()[1])


@click.command()
@click.argument("url")
@click.argument("body")
@click.option("--clients", type=click.IntRange(1, 256), default=1, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1, LONGEST), default=10, show_default=True)
def main(url: str, body: str, clients: int, seconds: float) -> None:
    """Ask URL with the JSON BODY, as in: load.py http://127.0.0.1:8000/models/sentiment/infer '{"text": "good"}'."""
    load = Load(url, body)
    uvloop.run(load.run(clients, seconds))
    found = sorted(load.latencies)
    answers = ", ".join(f"{count:,} × {status}" for status, count in sorted(load.statuses.items()))
    click.echo(f"{clients} clients, {seconds:g} s: {answers}; {load.lost} lost")
    if found:
        p50, p99 = (found[int(len(found) * share)] * 1000 for share in (0.5, 0.99))
        click.echo(f"200s: {len(found) / seconds:,.0f} a second, p50 {p50:.2f} ms, p99 {p99:.2f} ms")


if __name__ == "__main__":
    main()
