"""DynamoDB's BatchWriteItem as a small server that keeps the items and answers with chosen faults, one per request."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3

from support.threads import served

FAULTS = (
    "unprocessed",  # nothing is written
    "half",  # every second item is written
    "throttled",
    "limited",
    "500",
    "503 after writing",
    "reset",
    "reset after writing",
    "cut",  # the answer ends in the middle, after writing
    "not json",
)
"""Faults that pass: the item is written when it is sent again."""
REFUSALS = {
    "denied": "AccessDeniedException",
    "missing": "ResourceNotFoundException",
    "invalid": "ValidationException",
    "expired": "ExpiredTokenException",
}
ERRORS = {
    "throttled": (400, "ProvisionedThroughputExceededException"),
    "limited": (400, "RequestLimitExceeded"),
    "500": (500, "InternalServerError"),
    "503 after writing": (503, "ServiceUnavailable"),
    **{fault: (400, name) for fault, name in REFUSALS.items()},
}
WRITING = {None, "unprocessed", "half", "503 after writing", "reset after writing", "cut"}


class Table(ThreadingHTTPServer):
    """The server. items: by key, as DynamoDB JSON. faults: one is taken by each request; then `then` for all, or none.

    requests, headers: those that were received. hold: while it is not set, no request is answered.
    """

    daemon_threads = True

    def __init__(self, faults: Sequence[str | None] = (), then: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.items: dict[str, Any] = {}
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()
        self.hold = threading.Event()
        self.hold.set()
        self._faults, self._then = list(faults), then

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def client(self, **settings: Any) -> Any:
        """A boto3 client of this server."""
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", **settings}
        return boto3.client("dynamodb", region_name="us-east-1", endpoint_url=self.url, **keys)

    def fault(self) -> str | None:
        return self._faults.pop(0) if self._faults else self._then

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Table

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.hold.wait(30)
        with self.server.lock:
            self.server.requests.append(body)
            self.server.headers.append(dict(self.headers))
            fault = self.server.fault()
            ((table, puts),) = body["RequestItems"].items()
            keys = [put["PutRequest"]["Item"]["id"]["S"] for put in puts]
            if len(set(keys)) < len(keys) or len(keys) > 25:
                fault = "invalid"
            left = {"unprocessed": puts, "half": puts[::2]}.get(fault or "", [])
            if fault in WRITING:
                for put in puts:
                    if put not in left:
                        self.server.items[put["PutRequest"]["Item"]["id"]["S"]] = put["PutRequest"]["Item"]
        if fault in {"reset", "reset after writing"}:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif fault in ERRORS:
            status, name = ERRORS[fault]
            self._answer(
                status, {"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "message": f"the text of {name}"}
            )
        else:
            answer = b"<html>" if fault == "not json" else {"UnprocessedItems": {table: left} if left else {}}
            self._answer(200, answer, is_cut=fault == "cut")

    def _answer(self, status: int, answer: Any, *, is_cut: bool = False) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if is_cut else body)
        self.close_connection = self.close_connection or is_cut

    def log_message(self, *_line: Any) -> None:
        """Write no access log."""


@contextmanager
def dynamodb(faults: Sequence[str | None] = (), then: str | None = None) -> Iterator[Table]:
    """Serve from a thread of this process."""
    with served(Table(faults, then)) as server:
        try:
            yield server
        finally:
            server.hold.set()
