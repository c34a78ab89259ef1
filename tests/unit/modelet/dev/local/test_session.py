"""A command's own server: a running `modelet up` is used and left alone, or one is started and ended."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest

from modelet.dev.local.run import HELD
from modelet.dev.local.session import URL_FILE, announce, running, serving
from modelet.errors import CommandError
from support.projects import Tiny, make_tiny

URL = "http://127.0.0.1:8000"
COMMAND = [sys.executable, "-c", "from modelet.dev.cli import main; main()"]
SERVE = """
import time
from pathlib import Path
from modelet.dev.local.session import serving
from modelet.dev.project.project import Project

with serving(Project(Path.cwd()), "tiny") as url:
    print(url, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    monkeypatch.delenv("MODELET_STORE", raising=False)
    return make_tiny(tmp_path)


@contextmanager
def held(root: Path, name: str = "one") -> Iterator[Path]:
    """A run folder of a process that runs."""
    folder = root / ".modelet" / "run" / name
    folder.mkdir(parents=True)
    descriptor = os.open(folder / HELD, os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        os.close(descriptor)


def is_there(url: str) -> bool:
    try:
        with urlopen(f"{url}/models/tiny", timeout=10) as answer:
            return bool(answer.status == 200)
    except URLError:
        return False


def test_what_a_process_announces_is_found_while_it_runs(tmp_path: Path) -> None:
    with held(tmp_path) as folder:
        announce(folder, URL, ["tiny", "other"])
        assert running(tmp_path, "tiny") == running(tmp_path, "other") == URL
        assert running(tmp_path, "unserved") is None
        assert [each.name for each in folder.iterdir() if each.name != HELD] == [URL_FILE]
    assert running(tmp_path, "tiny") is None


def test_of_several_processes_the_one_that_serves_the_model_is_found(tmp_path: Path) -> None:
    with held(tmp_path, "one") as one, held(tmp_path, "two") as two:
        announce(one, "http://127.0.0.1:1", ["other"])
        announce(two, URL, ["tiny"])
        assert running(tmp_path, "tiny") == URL


@pytest.mark.parametrize("text", ["", "[", "[]", "null", "{}", '{"names": ["tiny"]}', '{"url": "x"}', '{"names": 7}'])
def test_a_file_that_is_not_whole_is_no_running_process(tmp_path: Path, text: str) -> None:
    with held(tmp_path, "one") as folder, held(tmp_path, "two") as two:
        (folder / URL_FILE).write_text(text)
        assert running(tmp_path, "tiny") is None
        announce(two, URL, ["tiny"])
        assert running(tmp_path, "tiny") == URL


def test_without_a_project_folder_nothing_runs(tmp_path: Path) -> None:
    assert running(tmp_path, "tiny") is None
    assert list(tmp_path.iterdir()) == []


def test_without_a_running_one_it_starts_its_own_and_ends_it(tiny: Tiny) -> None:
    before = psutil.Process().children(recursive=True)
    with serving(tiny.project, "tiny") as url:
        assert is_there(url)
        assert running(tiny.project.root, "tiny") == url
        started = [each for each in psutil.Process().children(recursive=True) if each not in before]
        assert started
        with serving(tiny.project, "tiny") as again:
            assert again == url
        assert is_there(url), "whoever uses it does not end it"
    assert not psutil.wait_procs(started, timeout=10)[1]
    assert not is_there(url)


def test_it_is_ended_also_if_the_command_fails(tiny: Tiny) -> None:
    with pytest.raises(KeyError), serving(tiny.project, "tiny") as url:
        raise KeyError
    assert not is_there(url)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_killed_leaves_no_server(tiny: Tiny, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], cwd=tiny.project.root, stdout=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout is not None
        url = command.stdout.readline().strip()
        assert is_there(url)
        started = psutil.Process(command.pid).children(recursive=True)
        command.send_signal(number)
    assert not psutil.wait_procs(started, timeout=10)[1]
    assert not is_there(url)


def test_a_running_one_is_used_and_left_alone(tiny: Tiny) -> None:
    with subprocess.Popen(
        [*COMMAND, "up", "--port", "0"],
        cwd=tiny.project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            children = psutil.Process().children()
            with serving(tiny.project, "tiny") as url:
                assert is_there(url)
                assert psutil.Process().children() == children
            assert process.poll() is None
            assert is_there(url)
        finally:
            process.terminate()


def test_a_model_that_cannot_be_served_is_one_line_with_the_last_words(tiny: Tiny) -> None:
    (tiny.function.folder / "model.yaml").write_text("backend: onnx\nnonsense: 1\n")
    with pytest.raises(CommandError, match=r"^tiny cannot be served: error: .*nonsense"), serving(tiny.project, "tiny"):
        pass


def test_the_announcement_is_json_of_one_line(tmp_path: Path) -> None:
    announce(tmp_path, URL, ["tiny"])
    assert json.loads((tmp_path / URL_FILE).read_text()) == {"url": URL, "names": ["tiny"]}
