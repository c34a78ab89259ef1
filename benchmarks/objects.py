"""An object server like S3 that is fast enough for benchmarks: it uses sendfile, and one thread per connection.

It supports HEAD and GET, with ranges, ETag and Last-Modified. Every key of every bucket is a file in its folder. It
does not check signatures. Run it as `python -m benchmarks.objects FOLDER PORT LATENCY_MS MB_A_SECOND`: like S3, it can
delay the first byte of a response and limit the rate of a connection (0: no limit).
"""

from __future__ import annotations

import os
import random
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

RANGE = re.compile(r"bytes=(\d+)-(\d*)")
CHUNK = 512 * 1024
"""Bytes between two checks of the clock, if the rate of a connection is limited."""


class Objects(ThreadingHTTPServer):
    """The server. latency_ms: the mean time to the first byte, which varies between 0.4 and 1.6 times this value."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int, latency_ms: float, mb_a_second: float) -> None:
        super().__init__(("127.0.0.1", port), Answering)
        self.folder, self.latency_s, self.rate = folder, latency_ms / 1000, mb_a_second * 1e6


class Answering(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    server: Objects

    def do_HEAD(self) -> None:
        """Send the headers of an object."""
        self._answer(body=False)

    def do_GET(self) -> None:
        """Send an object or a range of it."""
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        """Do not log."""

    def _answer(self, *, body: bool) -> None:
        time.sleep(self.server.latency_s * random.uniform(0.4, 1.6))  # noqa: S311 - not for security
        file = self.server.folder / Path(self.path.partition("?")[0]).name
        if not file.is_file():
            self.send_error(404)
            return
        size = file.stat().st_size
        asked = RANGE.fullmatch(self.headers.get("range", ""))
        start, end = (int(asked[1]), int(asked[2] or size - 1)) if asked else (0, size - 1)
        count = min(end, size - 1) - start + 1
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("content-range", f"bytes {start}-{start + count - 1}/{size}")
        self.send_header("content-length", str(count))
        self.send_header("accept-ranges", "bytes")
        self.send_header("etag", f'"{size:x}"')
        self.send_header("last-modified", formatdate(file.stat().st_mtime, usegmt=True))
        self.end_headers()
        if body:
            with file.open("rb") as source:
                self._send(source.fileno(), start, count)

    def _send(self, source: int, start: int, count: int) -> None:
        began, sent, rate = time.perf_counter(), 0, self.server.rate
        while sent < count:
            chunk = min(count - sent, CHUNK)
            early = (sent + chunk) / rate - (time.perf_counter() - began) if rate else 0
            if early > 0:  # a chunk is complete when its last byte would have arrived
                time.sleep(early)
            sent += os.sendfile(self.connection.fileno(), source, start + sent, chunk)


@contextmanager
def serving(folder: Path, latency_ms: float = 0, mb_a_second: float = 0) -> Iterator[str]:
    """Start such a server in a new process and yield its URL. Raises TimeoutError if it does not start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [str(folder), str(port), str(latency_ms), str(mb_a_second)]
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.objects", *words], cwd=Path(__file__).parents[1])
    try:
        for _ in range(200):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise TimeoutError("the object server does not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    with Objects(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])) as server:
        server.serve_forever()
