"""`serve` as a process: what a terminal sees, what signals do, what is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from modelet.dev.local.serve import bound, serve
from modelet.errors import CommandError
from support.clients import ask, environments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from modelet.dev.local.runtime.function import LocalFunction
    from support.clients import Make

SERVER = """
import dataclasses, json, sys
from pathlib import Path
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.serve import serve

function, options = json.loads(sys.argv[1])
function["folder"] = Path(function["folder"])
function = LocalFunction(**function)

def rebuild(name):
    lines = (function.folder / "app.py").read_text().splitlines()
    return dataclasses.replace(function, memory_mb=128 * len(lines))

if options.get("reload"):
    options["rebuild"] = rebuild
serve([function], port=0, ready=lambda url: print("ready", url, flush=True), **options)
print("ended", flush=True)
"""


class Server:
    """A server in a process of its own; its lines come out one by one."""

    def __init__(self, function: LocalFunction, **options: Any) -> None:
        fields = {name: getattr(function, name) for name in function.__slots__}
        fields |= {"folder": str(function.folder), "environment": dict(function.environment)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, json.dumps([fields, options])],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []

    def until(self, words: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if words in line:
                return self.lines[-1]
        raise AssertionError(f"{words!r} is not in {self.lines}")

    @property
    def port(self) -> int:
        return int(self.until("ready http://127.0.0.1:").rpartition(":")[2])

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def ends(self, family: list[psutil.Process]) -> None:
        self.until("ended")
        assert self.process.wait(10) == 0
        deadline = time.monotonic() + 5
        while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in family):
            assert time.monotonic() < deadline, family
            time.sleep(0.01)


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    with contextlib.ExitStack() as stack:

        def started(function: LocalFunction, **options: Any) -> Server:
            server = Server(function, **options)
            stack.callback(server.process.wait)
            stack.callback(server.process.kill)
            stack.enter_context(server.process.stdout or contextlib.nullcontext())
            return server

        yield started


@pytest.fixture
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


HELLO = "import os\ndef handler(event, context): return os.getpid()\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(make: Make, start: Callable[..., Server], own_tmp: Path, number: int) -> None:
    server = start(make(HELLO, provisioned=2))
    port = server.port
    assert ask(port, "GET", "/models/echo").status == 200
    family = server.family()
    assert len(environments(server.process.pid)) == 2
    assert len(list(own_tmp.glob("modelet-*/*"))) == 2
    server.process.send_signal(number)
    server.ends(family)
    assert list(own_tmp.iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        ask(port, "GET", "/models/echo")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_an_init_stops_everything(
    make: Make, start: Callable[..., Server], own_tmp: Path, number: int
) -> None:
    server = start(make("import time\nprint('init', flush=True)\ntime.sleep(60)\n", provisioned=2))
    server.until("init")
    family = server.family()
    server.process.send_signal(number)
    server.ends(family)
    assert list(own_tmp.iterdir()) == []


def test_a_signal_while_a_request_hangs_stops_everything_and_impatience_changes_nothing(
    make: Make, start: Callable[..., Server], own_tmp: Path
) -> None:
    hanging = "import time\ndef handler(event, context):\n    print('begun', flush=True)\n    time.sleep(60)\n"
    server = start(make(hanging, timeout_s=60))
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET /models/echo HTTP/1.1\r\nhost: localhost\r\n\r\n")
        server.until("begun")
        family = server.family()
        began = time.monotonic()
        for _ in range(4):  # the request has a second to finish: all of them come while the server cleans up
            server.process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        server.ends(family)
        assert time.monotonic() - began < 8
    assert list(own_tmp.iterdir()) == []


def test_ctrl_c_of_a_terminal_reaches_the_server_alone(make: Make, start: Callable[..., Server]) -> None:
    server = start(make(HELLO, provisioned=1))
    assert server.port
    groups = {os.getpgid(child.pid) for child in server.family()}
    assert os.getpgid(server.process.pid) not in groups


def test_the_log_names_the_function_on_each_line(make: Make, start: Callable[..., Server]) -> None:
    server = start(make("def handler(event, context):\n    print('hello')\n    return 1\n", "sentiment"))
    port = server.port
    ask(port, "GET", "/models/sentiment")
    server.until("sentiment | START RequestId: ")
    server.until("sentiment | hello")
    server.until("sentiment | END RequestId: ")
    server.until("sentiment | REPORT RequestId: ")
    ask(port, "GET", "/nowhere")
    server.until("gateway | GET /nowhere: 404, no route")


def test_a_changed_file_brings_new_environments_with_what_the_rebuild_says(
    make: Make, start: Callable[..., Server]
) -> None:
    function = make("def handler(event, context): return ['old', context.memory_limit_in_mb]\n", provisioned=1)
    server = start(function, reload=True)
    port = server.port
    assert json.loads(ask(port, "GET", "/models/echo").body) == ["old", "512"]
    (function.folder / "__pycache__").mkdir(exist_ok=True)
    (function.folder / "__pycache__" / "x.pyc").write_text("")
    (function.folder / "bundle.json").write_text("{}")
    (function.folder / "app.py").write_text(
        "\ndef handler(event, context): return ['new', context.memory_limit_in_mb]\n"
    )
    assert server.until("Reload") == "echo | Reload: app.py changed"
    deadline = time.monotonic() + 10
    while (answer := json.loads(ask(port, "GET", "/models/echo").body)) != ["new", "256"]:
        assert answer == ["old", "512"]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (function.folder / "app.py").unlink()
    (function.folder / "app.py").write_text("raise ValueError('broken while edited')\n")
    server.until("broken while edited")
    server.until("echo | Reload failed, the old environments stay in use: the new init ended with ValueError")
    assert json.loads(ask(port, "GET", "/models/echo").body) == ["new", "256"]
    server.process.send_signal(signal.SIGTERM)
    server.ends(server.family())
    assert not any("bundle.json" in line or ".pyc" in line for line in server.lines)


def test_a_port_in_use_is_said_in_one_line_with_a_remedy(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CommandError) as caught:
            serve([make(HELLO)], port=port)
    assert str(caught.value) == f"port {port} of 127.0.0.1 is in use: choose another with --port, or 0 for a free one"


def test_a_host_that_is_not_here_is_said() -> None:
    with pytest.raises(CommandError, match=r"port 1 of 192\.0\.2\.1 is not available \(.+\): choose another"):
        bound("192.0.2.1", 1)
