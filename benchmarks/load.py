"""Load on a local server: clients that send the next request after each response, for a limited time.

It prints the number of responses by status, the number of requests without a response, and the latency of the 200s.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import cast
from urllib.parse import urlsplit

import click
import httptools
import uvloop

LONGEST = 300
"""The longest time of a load in seconds."""
PATIENCE = 60
"""The longest wait for the last responses in seconds."""


class Load:
    """Clients with one connection each, for one URL on this machine.

    The URL is http://127.0.0.1:PORT/…, the body JSON. Results: statuses, the number of responses by status; lost, the
    number of requests without a response; latencies, in seconds, of responses with 200; seconds, the duration.
    """

    def __init__(self, url: str, body: str) -> None:
        parts = urlsplit(url)
        if parts.hostname != "127.0.0.1" or parts.port is None:
            raise click.UsageError(f"{url} is not a server on this machine: give http://127.0.0.1:PORT/…")
        self._port = parts.port
        data = body.encode()
        head = f"POST {parts.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        self.request = f"{head}content-length: {len(data)}\r\n\r\n".encode() + data
        self.statuses: Counter[int] = Counter()
        self.lost = 0
        self.latencies: list[float] = []
        self.seconds = 0.0
        self.end = 0.0

    async def run(self, clients: int, seconds: float) -> None:
        """Run `clients` clients for `seconds`. Raises TimeoutError if there is no response for a minute."""
        began = time.perf_counter()
        self.end = began + seconds
        async with asyncio.timeout(seconds + PATIENCE):
            await asyncio.gather(*(self._client() for _ in range(clients)))
        self.seconds += time.perf_counter() - began

    def percentile(self, share: float) -> float:
        """Return a percentile of the latency of responses with 200, in ms. Raises ValueError without any."""
        if not self.latencies:
            raise ValueError("no response had the status 200")
        return sorted(self.latencies)[int(len(self.latencies) * share)] * 1000

    async def _client(self) -> None:
        loop = asyncio.get_running_loop()
        while time.perf_counter() < self.end:
            _, caller = await loop.create_connection(lambda: Caller(self), "127.0.0.1", self._port)
            await caller.gone


class Caller(asyncio.Protocol):
    """One connection, which repeats the request after each response until the load ends."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpResponseParser(self)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Parse the data."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Handle the end of a response (httptools)."""
        now = time.perf_counter()
        status = self._parser.get_status_code()
        self._waiting = False
        self._load.statuses[status] += 1
        if status == 200:
            self._load.latencies.append(now - self._asked)
        if now < self._load.end and self._parser.should_keep_alive():
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Count a request without a response."""
        self._load.lost += self._waiting
        self.gone.set_result(None)

    def _ask(self) -> None:
        self._waiting = True
        self._asked = time.perf_counter()
        self._transport.write(self._load.request)


@click.command()
@click.argument("url")
@click.argument("body")
@click.option("--clients", type=click.IntRange(1, 256), default=1, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1, LONGEST), default=10, show_default=True)
def main(url: str, body: str, clients: int, seconds: float) -> None:
    """Ask URL with the JSON BODY, as in: load.py http://127.0.0.1:8000/models/sentiment/infer '{"text": "good"}'."""
    load = Load(url, body)
    uvloop.run(load.run(clients, seconds))
    answers = ", ".join(f"{count:,} × {status}" for status, count in sorted(load.statuses.items()))
    click.echo(f"{clients} clients, {seconds:g} s: {answers}; {load.lost} lost")
    if load.latencies:
        p50, p99 = load.percentile(0.5), load.percentile(0.99)
        click.echo(f"200s: {len(load.latencies) / load.seconds:,.0f} a second, p50 {p50:.2f} ms, p99 {p99:.2f} ms")


if __name__ == "__main__":
    main()
