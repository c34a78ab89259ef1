"""Answers what the emulator asks of a function from an image, in environments of the local runtime."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import uvloop

from e2e.deploy.gate import Gate
from e2e.deploy.images import Images
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.runtime.runtime import Runtime
from modelet.errors import ThrottledError, TooLargeError
from support.threads import served

SHARED = 10
"""Requests that a function without reserved concurrency answers at once."""


class Lines:
    """The runtime's log, by function."""

    def __init__(self) -> None:
        self.said: dict[str, list[str]] = {}

    def line(self, function: str, text: str) -> None:
        """Keep the line, or several."""
        self.said.setdefault(function, []).extend(text.split("\n"))


class Invoker:
    """A runtime for each configuration of each function, as Lambda has environments for each version.

    images: what was pushed. emulator: variables that a function needs to reach the emulator; in AWS it needs none.
    asked: the function and the version of each invocation so far. gate: before all of them.
    """

    def __init__(self, images: Images, emulator: dict[str, str]) -> None:
        self.log = Lines()
        self.asked: list[tuple[str, str]] = []
        self.gate = Gate()
        self._images = images
        self._emulator = emulator
        self._runtimes: dict[str, tuple[LocalFunction, Runtime]] = {}
        self._starting = threading.Lock()
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def start(self) -> None:
        """Start the loop in which the environments live."""
        self._thread.start()

    def stop(self) -> None:
        """End every environment."""
        for _, runtime in self._runtimes.values():
            self._wait(runtime.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """One invocation: the function's payload, or the type and payload of its error, and its log lines."""
        name = question["function"]
        self.gate.enter(question["event"])
        self.asked.append((name, question["version"]))
        function, runtime = self._runtime(question)
        began = len(self.log.said.get(name, []))
        event = json.dumps(question["event"], ensure_ascii=False).encode()
        try:
            outcome = self._wait(runtime.invoke(function.name, event))
        except ThrottledError:
            return {"throttled": True}
        except TooLargeError as error:
            payload = {"errorType": "RequestEntityTooLargeException", "errorMessage": str(error)}
            return {"throttled": False, "payload": payload, "error": "RequestEntityTooLargeException", "log": ""}
        log = "\n".join(self.log.said.get(name, [])[began:])
        return {"throttled": False, "payload": json.loads(outcome.payload), "error": outcome.error, "log": log}

    def kill(self, name: str) -> None:
        """Kill the processes of a function, in the middle of what they do; the next event starts new ones."""
        with self._starting:
            killed = [key for key, (function, _) in self._runtimes.items() if function.name == name]
            runtimes = [self._runtimes.pop(key)[1] for key in killed]
        for runtime in runtimes:
            self._wait(runtime.stop())

    def _runtime(self, question: dict[str, Any]) -> tuple[LocalFunction, Runtime]:
        key = json.dumps({name: question[name] for name in question if name not in {"event", "request_id"}})
        with self._starting:
            if key not in self._runtimes:
                function = self._function(question)
                runtime = Runtime([function], log=self.log)
                self._wait(runtime.start())
                self._runtimes[key] = function, runtime
        return self._runtimes[key]

    def _function(self, question: dict[str, Any]) -> LocalFunction:
        image = self._images.find(question["image"])
        return LocalFunction(
            name=question["function"],
            folder=image.folder,
            handler=image.handler,
            memory_mb=question["memory_mb"],
            timeout_s=question["timeout_s"],
            max_concurrency=SHARED,
            environment={
                **question["environment"],
                **question["credentials"],
                **self._emulator,
                "PYTHONPATH": str(image.layer),
            },
        )

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


@contextmanager
def invoking(invoker: Invoker) -> Iterator[str]:
    """Serve the invoker on a free port of this machine; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(invoker.answer(question)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing of each request: the functions' own log is kept."""

    invoker.start()
    try:
        with served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
            yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        invoker.stop()
