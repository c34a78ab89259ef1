"""An HTTP API that answers as a test says, route by route, and keeps the requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from support.threads import served


class Seen(NamedTuple):
    """A request. body: its JSON value, None without a body. authorization: the header."""

    method: str
    path: str
    body: Any
    authorization: str | None


class ScriptedApi(ThreadingHTTPServer):
    """The API. Each route gives its answers in turn, and the last one again and again."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.seen: list[Seen] = []
        self._answers: dict[tuple[str, str], list[tuple[int, bytes]]] = {}

    def answer(self, method: str, path: str, *answers: Any, status: int = 200, after: int = 0) -> None:
        """Set the answers of a route: JSON values, or bytes that are sent as they are.

        path: with its query. after: how often the route first gives the answer that it has already.
        """
        bodies = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in answers]
        earlier = self._answers.get((method, path), [])[-1:] * after
        self._answers[method, path] = [*earlier, *((status, body) for body in bodies)]

    def refuse(self, method: str, path: str, status: int, detail: str, **members: Any) -> None:
        """Answer a route with a problem."""
        self.answer(method, path, {"title": "A title", "status": status, "detail": detail, **members}, status=status)

    def next_answer(self, method: str, path: str) -> tuple[int, bytes]:
        """Return the next answer of a route: its status and its body."""
        answers = self._answers.get((method, path))
        if answers is None:
            return 404, json.dumps({"detail": f"no test answers {method} {path}"}).encode()
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def asked(self) -> Seen:
        """Return the only request."""
        [request] = self.seen
        return request


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedApi

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        value = json.loads(body) if body else None
        self.server.seen.append(Seen(self.command, self.path, value, self.headers["Authorization"]))
        status, answer = self.server.next_answer(self.command, self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_DELETE = do_GET  # noqa: N815 - http.server's own names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Say nothing."""


@contextmanager
def scripted_api() -> Iterator[ScriptedApi]:
    """Serve such an API from a thread."""
    with served(ScriptedApi()) as server:
        yield server
