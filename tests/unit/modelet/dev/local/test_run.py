"""The folder of a run: its process's own, there as long as the process, and no longer however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from modelet.dev.local.run import run_folder

SCRIPT = """
import sys
from pathlib import Path
from modelet.dev.local.run import run_folder
folder = run_folder(Path(sys.argv[1]))
(folder / "bundle.json").write_text("{}")
print(folder, flush=True)
sys.stdin.read()
"""


def begin(root: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT, str(root)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def folder_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().rstrip("\n"))


def start(root: Path) -> tuple[subprocess.Popen[str], Path]:
    process = begin(root)
    return process, folder_of(process)


def folders(root: Path) -> set[Path]:
    return {path for path in (root / ".modelet" / "run").iterdir() if path.is_dir()}


def test_a_process_has_one_folder_in_each_project(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert run_folder(one) == run_folder(one)
    assert folders(one) == {run_folder(one)}
    theirs = run_folder(other)
    assert folders(other) == {theirs}


@pytest.mark.parametrize("number", [None, signal.SIGTERM, signal.SIGKILL])
def test_a_folder_goes_with_its_process_and_those_of_others_stay(tmp_path: Path, number: signal.Signals | None) -> None:
    own = run_folder(tmp_path)
    lasting, theirs = start(tmp_path)
    ending, gone = start(tmp_path)
    with lasting, ending:
        assert folders(tmp_path) == {own, theirs, gone}
        if number is None:
            ending.communicate("")
            assert not gone.exists()
        else:
            ending.send_signal(number)
            ending.wait(10)
        newest, its = start(tmp_path)
        with newest:
            assert folders(tmp_path) == {own, theirs, its}
            assert (theirs / "bundle.json").exists()
            newest.communicate("")
        lasting.communicate("")
    assert folders(tmp_path) == {own}


def test_a_folder_that_was_not_made_to_its_end_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".modelet" / "run" / "half").mkdir(parents=True)
    own = run_folder(tmp_path)
    assert folders(tmp_path) == {own}


def test_processes_that_start_at_once_do_not_take_each_others_folders(tmp_path: Path) -> None:
    started = [begin(tmp_path) for _ in range(4)]
    try:
        own = [folder_of(process) for process in started]
        assert folders(tmp_path) == set(own)
        assert all((folder / "bundle.json").exists() for folder in own)
    finally:
        for process in started:
            process.communicate("")
