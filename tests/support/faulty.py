"""A proxy before an emulator of AWS that answers some requests with faults of DynamoDB and of S3."""

from __future__ import annotations

import itertools
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from support.tables import refusal
from support.threads import served

TABLES = ("throttled", "500", "hung up", "lost", "cut")
"""Faults of DynamoDB. lost: it is done, and there is no answer. cut: it is done, and half of the answer arrives."""
WRITES = ("unprocessed", *TABLES)
"""Faults of BatchWriteItem. unprocessed: nothing is written, all is left."""
FILES = ("503", "hung up", "lost", "cut")
"""Faults of S3."""
EVERY = 4
"""About every fourth request has a fault, and never three in a row; of BatchWriteItem every second one."""


class Faulty(ThreadingHTTPServer):
    """The proxy. url: of the emulator. seed: chooses the requests that have a fault. seen: the faults that were made.

    Faults come in turn, so that each kind is among them.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, url: str, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(url).netloc
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.seen: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._kinds = {
            "S3": itertools.cycle(FILES),
            "DynamoDB": itertools.cycle(TABLES),
            "write": itertools.cycle(WRITES),
        }
        self._in_a_row = self._writes = 0
        self._lock = threading.Lock()

    def fault(self, operation: str) -> str | None:
        """The fault of a request. operation: of DynamoDB; empty for S3.

        An import has none: in AWS its token makes a repeated call the same import, but the emulator ignores the token.
        """
        if operation == "ImportTable":
            return None
        service = "write" if operation == "BatchWriteItem" else "DynamoDB" if operation else "S3"
        with self._lock:
            if not self._is_faulty(service):
                return None
            kind = next(self._kinds[service])
            self.seen[f"{service}: {kind}"] += 1
            return kind

    def _is_faulty(self, service: str) -> bool:
        if service == "write":  # there are few of them
            self._writes += 1
            return self._writes % 2 == 1
        is_faulty = self._in_a_row < 2 and not self._random.randrange(EVERY)
        self._in_a_row = self._in_a_row + 1 if is_faulty else 0
        return is_faulty

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Faulty

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        service, _, operation = self.headers.get("X-Amz-Target", "").partition(".")
        is_table = service.startswith("DynamoDB")
        kind = self.server.fault(operation) if is_table or not service else None
        if kind == "hung up":
            self.close_connection = True
            return
        if kind in {"throttled", "unprocessed", "500", "503"}:
            self._answer(*_made(kind, body, is_table=is_table))
            return
        status, headers, answer = self._forward(body)
        if kind == "lost":
            self.close_connection = True
            return
        self._answer(status, headers, answer, is_cut=kind == "cut" and len(answer) > 1)

    do_POST = do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815 - http.server's own names

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send the request as it came, Host included, which is signed."""
        connection = HTTPConnection(self.server.target, timeout=60)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            return response.status, dict(response.headers), response.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes, *, is_cut: bool = False) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                self.send_header(name, value)
        length = headers.get("content-length") or headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if is_cut else body)
        self.close_connection = self.close_connection or is_cut

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Say nothing."""


def _made(kind: str, body: bytes, *, is_table: bool) -> tuple[int, dict[str, str], bytes]:
    """An answer that the emulator does not give."""
    if not is_table:
        return 503, {"Content-Type": "application/xml"}, b"<Error><Code>SlowDown</Code><Message>slow</Message></Error>"
    if kind == "unprocessed":
        status, answer = 200, {"UnprocessedItems": json.loads(body)["RequestItems"]}
    elif kind == "throttled":
        status, answer = refusal("ProvisionedThroughputExceededException")
    else:
        status, answer = 500, {"__type": "InternalServerError"}
    return status, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(answer).encode()


@contextmanager
def faulty(url: str, seed: int) -> Iterator[Faulty]:
    """A proxy for the length of a block."""
    with served(Faulty(url, seed)) as server:
        yield server
