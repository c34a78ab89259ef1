"""A project in a folder of its own, and the command line as a shell and as a terminal meet it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from modelet.dev.cli import main
from modelet.store.store import Store
from support.commands import Run
from support.scripted_api import ScriptedApi, scripted_api

COMMAND = [sys.executable, "-c", "from modelet.dev.cli import main; main()"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of an empty project, which is the current folder."""
    (tmp_path / "functions").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODELET_STORE", raising=False)
    return tmp_path


@pytest.fixture
def store(project: Path) -> Store:
    """The project's own store."""
    return Store(f"{project.as_uri()}/.modelet/store")


@pytest.fixture
def run(project: Path) -> Run:
    """Run a command line in this process, its output going into a pipe."""

    def run(*words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, words, input=stdin)

    return run


@pytest.fixture
def show(project: Path) -> Callable[..., str]:
    """Run a command line on a terminal; gives what a person sees, escape codes included."""

    def show(*words: str) -> str:
        ours, theirs = pty.openpty()
        environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
        with subprocess.Popen([*COMMAND, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environ):
            os.close(theirs)
            seen = b""
            while True:
                try:
                    part = os.read(ours, 65_536)
                except OSError:  # Linux: the terminal's other end was closed
                    break
                if not part:
                    break
                seen += part
        os.close(ours)
        return seen.decode()

    return show


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedApi]:
    """An API that answers as the test says."""
    monkeypatch.delenv("MODELET_URL", raising=False)
    with scripted_api() as api:
        yield api


@pytest.fixture
def ask(run: Run, scripted: ScriptedApi) -> Run:
    """Run a command line against that API, with a token."""

    def ask(*words: str) -> Result:
        return run(*words, "--url", scripted.url, "--token", "a-token")

    return ask
