"""An emulated S3 for measurements: on 127.0.0.1, with the latency of a real one if asked for."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "models"
SIGNED_IN = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}


@contextmanager
def emulated(latency_s: float) -> Iterator[tuple[str, str]]:
    """Two endpoints of one S3 with an empty bucket: the plain one, and one whose every answer takes longer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    # A process of its own: in ours it would wait for the lock that the measuring holds.
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    delay = Delay(port, latency_s)
    try:
        _make_bucket(url)
        yield url, f"http://127.0.0.1:{delay.port}"
    finally:
        delay.stop()
        server.terminate()
        server.wait()


def _make_bucket(url: str) -> None:
    """Wait for the server, and make the bucket. Raises TimeoutError."""
    for _ in range(300):
        try:
            with urlopen(Request(f"{url}/{BUCKET}", method="PUT")):  # noqa: S310 - our own server
                return
        except URLError:
            time.sleep(0.1)
    raise TimeoutError("the emulated S3 does not start")


class Delay:
    """A proxy before a server of this machine that holds the beginning of each answer back."""

    def __init__(self, port: int, latency_s: float) -> None:
        self._upstream, self._latency = port, latency_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        self._server = started.result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close the port and end the thread."""
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        asked = asyncio.Event()

        async def forward() -> None:
            while data := await reader.read(65_536):
                asked.set()
                up_writer.write(data)
            up_writer.close()

        forwarding = asyncio.ensure_future(forward())
        try:
            while data := await up_reader.read(262_144):
                if asked.is_set():
                    asked.clear()
                    await asyncio.sleep(self._latency)
                writer.write(data)
        finally:
            writer.close()
            forwarding.cancel()
