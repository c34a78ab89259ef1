"""An emulated S3 for benchmarks, on 127.0.0.1, optionally with the latency of a real one."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ssl import SSLContext

BUCKET = "models"
SIGNED_IN = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}


@contextmanager
def emulated(latency_s: float) -> Iterator[tuple[str, str]]:
    """Yield two endpoints of one S3 with an empty bucket: one without and one with added latency."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    # Run it in another process, because in this one it would compete for the interpreter's lock.
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
    """Wait for the server, and create the bucket. Raises TimeoutError."""
    for _ in range(300):
        try:
            with urlopen(Request(f"{url}/{BUCKET}", method="PUT")):  # noqa: S310 - our own server
                return
        except URLError:
            time.sleep(0.1)
    raise TimeoutError("the emulated S3 does not start")


class Delay:
    """A proxy for a local server that delays the start of each response; with a context, over TLS."""

    def __init__(self, port: int, latency_s: float, context: SSLContext | None = None) -> None:
        self._upstream, self._latency, self._context = port, latency_s, context
        self._started = Future[tuple[int, Callable[[], object]]]()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()), daemon=True)
        self._thread.start()
        self.port, self._stop = self._started.result()

    def stop(self) -> None:
        """Close the port and every connection, and end the thread."""
        self._stop()
        self._thread.join()

    async def _listen(self) -> None:
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        port: int = server.sockets[0].getsockname()[1]
        self._started.set_result((port, lambda: loop.call_soon_threadsafe(stopping.set)))
        await stopping.wait()
        server.close()

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
            forwarding.cancel()
            up_writer.close()
            writer.close()
