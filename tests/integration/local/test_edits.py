"""Edits under load: what is served changes, and no request fails."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

from support.projects import APP, GOOD, make_tiny

COMMAND = [sys.executable, "-c", "from modelet.dev.cli import main; main()", "up", "--reload", "--port", "0"]
CALLERS = 4
EDITS = {
    "half a file": APP[: len(APP) // 2],
    "a syntax error": APP.replace("class Row(", "class Row(("),
    "nothing": "",
    "a module that is not there": "import nothing_of_this_name\n" + APP,
    "a load that raises": APP.replace("    pass", "    def load(self, artifacts): raise ValueError('not yet')"),
    "an init that ends the process": APP.replace(
        "    pass", "    def load(self, artifacts): __import__('os')._exit(3)"
    ),
    "a contract that is not the version's": APP.replace("    a: Annotated[float, Ge(0), Le(1000)]\n", ""),
}
"""What an editor may leave for a while; each is followed by code that serves."""


class Load:
    """Callers that ask again as soon as they are answered, until they are told to stop."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._done = threading.Event()
        self.answers: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CALLERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._done.is_set():
            self.answers[answer(self._url)] += 1


def answer(url: str) -> str:
    """The label, or what was answered instead of one."""
    request = urllib.request.Request(url, json.dumps(GOOD).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return str(json.load(response)["label"])
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode()}"
    except OSError as error:
        return repr(error)


def labelled(label: str) -> str:
    """A source that serves, and says this label."""
    answered = {"label": label, "probability": 1.0}
    shaped = f"    def postprocess(self, outputs, instances): return [{answered!r}] * len(instances)"
    return APP.replace("    pass", shaped).replace('Literal["low", "high"]', "str")


@contextmanager
def served() -> Iterator[tuple[str, list[str]]]:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        log: list[str] = []
        reader = threading.Thread(target=log.extend, args=[process.stderr])
        try:
            url = process.stdout.readline().split("\t")[2]
            reader.start()
            yield f"{url}/infer", log
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
            reader.join()


def said(log: list[str], words: str, times: int) -> None:
    deadline = time.monotonic() + 60
    while sum(words in line for line in log) < times:
        assert time.monotonic() < deadline, (words, log[-20:])
        time.sleep(0.02)


def test_no_request_fails_while_files_are_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_tiny(tmp_path).function.folder / "app.py"
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODELET_STORE", raising=False)
    with served() as (url, log), Load(url) as load:
        said(log, "REPORT", 1)
        for turn, (what, source) in enumerate(EDITS.items(), 1):
            app.write_text(source)
            said(log, "Reload failed", turn)
            app.write_text(labelled(what))
            said(log, "serving the new sources", turn)
            assert answer(url) == what
        app.unlink()
        said(log, "Reload failed", len(EDITS) + 1)
        app.write_text(APP)
        said(log, "serving the new sources", len(EDITS) + 1)
        assert answer(url) == "high"
    assert set(load.answers) <= {"high", *EDITS}
    assert load.answers.total() >= 10 * len(EDITS)
