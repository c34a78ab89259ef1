"""Measure a local HTTP server: start it, get its first prediction, run a load, measure its memory, and stop it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Self

import psutil
import uvloop

from benchmarks.load import Load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import IO

LONGEST = 60
"""The longest time in seconds until the first prediction."""
GRACE = 10
"""Seconds for a normal exit before it is killed."""
ASKED_EVERY = 0.005
"""Seconds between two attempts until it responds."""
QUIET = {
    "DO_NOT_TRACK": "true",
    "BENTOML_DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "ORT_DISABLE_TELEMETRY": "1",
}
"""Variables that turn off telemetry."""


@dataclass(frozen=True)
class Server:
    """A server to be measured.

    command: its words, the first looked for in the environment's programs; `{port}` and `{port+1}`, `{port+2}` are free
    ports in it and in the values of `variables`. path, body: the request. label: the way to the predicted label in the
    answer's JSON. home: the environment (its root) that it runs in. code: further folders that belong to it. folder:
    where it is started.
    """

    name: str
    command: tuple[str, ...]
    path: str
    body: str
    label: tuple[str | int, ...]
    home: Path
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    code: tuple[Path, ...] = ()

    @property
    def site_packages(self) -> Path:
        """Return the folder of the environment's packages."""
        return next(self.home.glob("lib/python3.*/site-packages"))

    @property
    def packages(self) -> int:
        """Return the number of distributions in the environment."""
        return sum(1 for _ in self.site_packages.glob("*.dist-info"))

    @property
    def installed_mb(self) -> float:
        """Return the size of its packages and its own code on disk, including bytecode."""
        files = (path for folder in (self.site_packages, *self.code) for path in folder.rglob("*"))
        return sum(path.stat().st_size for path in files if path.is_file()) / 1e6

    def predicted(self, answer: bytes) -> Any:
        """Return the label in a response. Raises ValueError if there is none."""
        found = json.loads(answer)
        try:
            for step in self.label:
                found = found[step]
        except (KeyError, IndexError, TypeError) as error:
            raise ValueError(f"{self.name} answers {answer[:300]!r}") from error
        return found


class Running:
    """A running server. Leaving the `with` block stops it and all that it started."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed at exit
        self._home = tempfile.TemporaryDirectory()

    def __enter__(self) -> Self:
        server = self._server
        ports = free_ports(3)
        self.port = ports[0]
        named = {"{port}": ports[0], "{port+1}": ports[1], "{port+2}": ports[2]}
        variables = {
            "PATH": os.pathsep.join([str(server.home / "bin"), os.environ["PATH"]]),
            "LANG": "C.UTF-8",
            "HOME": self._home.name,
            "TMPDIR": self._home.name,
            "OMP_NUM_THREADS": "1",
            **QUIET,
            **{name: filled(value, named) for name, value in server.variables.items()},
        }
        program, *words = (filled(word, named) for word in server.command)
        self._began = time.perf_counter()
        self._process = psutil.Popen(
            [str(server.home / "bin" / program), *words],
            cwd=server.folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=self._log,  # a file, because a process that reads a pipe would run during the measurement
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._end()
        finally:
            self._log.close()
            self._home.cleanup()

    def first(self) -> tuple[float, bytes]:
        """Return the seconds from the start until the first prediction, and that response.

        Raises RuntimeError with the server's output if it exits or does not respond in time.
        """
        refused = "no answer"
        while (now := time.perf_counter() - self._began) < LONGEST and self._process.poll() is None:
            try:
                status, answer = ask(self.port, self._server.path, self._server.body)
            except (OSError, HTTPException):
                time.sleep(ASKED_EVERY)
                continue
            if status == 200:
                return time.perf_counter() - self._began, answer
            refused = f"{status} {answer[:300]!r}"
            time.sleep(ASKED_EVERY)
        self._log.seek(0)
        said = self._log.read()[-2000:].decode(errors="replace")
        raise RuntimeError(f"{self._server.name} gives no prediction within {now:.0f} s: {refused}\n{said}")

    def load(self, clients: int, seconds: float) -> Load:
        """Run a load of `clients` clients for `seconds`."""
        load = Load(f"http://127.0.0.1:{self.port}{self._server.path}", self._server.body)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(load.run(clients, seconds))
        return load

    def memory_mb(self) -> float:
        """Return the memory of the process and its descendants, with shared pages divided (PSS)."""
        total = 0
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                full = process.memory_full_info()
                total += getattr(full, "pss", full.rss)
        return total / 1e6

    def cpu_seconds(self) -> float:
        """Return the user and system time of the process and its descendants so far.

        Source: man 3 clock_getcpuclockid; the id of a process's clock is ~pid << 3 | 2.
        """
        total = 0.0
        for process in self._tree():
            with contextlib.suppress(OSError):  # it has ended
                total += time.clock_gettime((~process.pid << 3) | 2)
        return total

    def _tree(self) -> list[psutil.Process]:
        try:
            return [self._process, *self._process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _end(self) -> None:
        tree = self._tree()
        with contextlib.suppress(psutil.NoSuchProcess):
            self._process.terminate()
        psutil.wait_procs(tree[:1], timeout=GRACE)
        for process in tree:  # nothing else would end processes that outlive the first one
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(tree, timeout=GRACE)


def ask(port: int, path: str, body: str) -> tuple[int, bytes]:
    """Send one request on a new connection. Raises OSError and HTTPException if there is no response."""
    connection = HTTPConnection("127.0.0.1", port, timeout=LONGEST)
    with contextlib.closing(connection):
        connection.request("POST", path, body, {"content-type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()


def free_ports(count: int) -> list[int]:
    """Return free ports of 127.0.0.1."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def filled(text: str, named: Mapping[str, int]) -> str:
    """Replace the names of ports in a text by the ports."""
    for name, port in named.items():
        text = text.replace(name, str(port))
    return text
