"""A service of AWS that answers as a test says, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any

from support.threads import served

Script = Callable[["Request", int], tuple[int, Any] | None]
"""How the request of a number, counted from 1, is answered: status, and bytes or a JSON value; None hangs up."""


class Cut(bytes):
    """The body of an answer whose last byte never arrives."""


class Request(BaseHTTPRequestHandler):
    """One request, given to the test's script."""

    protocol_version = "HTTP/1.1"
    server: Service

    def do_GET(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(self)
        answer = self.server.script(self, len(self.server.seen))
        if answer is None:
            self.close_connection = True
            return
        status, given = answer
        body = given if isinstance(given, bytes) else json.dumps(given).encode()
        is_cut = isinstance(given, Cut)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) + is_cut))
        self.send_header("Last-Modified", "Fri, 20 Nov 2026 10:00:00 GMT")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.close_connection or is_cut

    do_POST = do_GET  # noqa: N815 - http.server's own name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Say nothing."""


class Service(ThreadingHTTPServer):
    """The service. seen: the requests so far."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, tls: SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.script: Script = lambda *_: (200, {})
        self.seen: list[Request] = []
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


@contextmanager
def running_service(tls: SSLContext | None = None) -> Iterator[Service]:
    """A service for the length of a block."""
    with served(Service(tls)) as server:
        yield server
