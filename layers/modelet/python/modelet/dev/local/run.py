"""Where what runs here keeps its bundles: a folder for each process, below the project's .modelet/run."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

HELD = "held"
"""The file whose lock says that the folder's process lives: the kernel lets go of it however the process ends."""


@cache
def run_folder(root: Path) -> Path:
    """This process's own folder in the project at `root`, removed when it ends; what killed processes left goes first.

    Raises OSError where the project cannot be written.
    """
    runs = root / ".modelet" / "run"
    runs.mkdir(parents=True, exist_ok=True)
    turn = _opened(runs / "turn")
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)  # a folder is not held yet in the moment when it is made
        for other in runs.iterdir():
            if other.is_dir() and not _is_held(other):
                shutil.rmtree(other, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(dir=runs))
        fcntl.flock(_opened(folder / HELD), fcntl.LOCK_EX)
    finally:
        os.close(turn)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _opened(path: Path) -> int:
    """A descriptor that no child process inherits, and that stays open until it is closed or the process ends."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


def _is_held(folder: Path) -> bool:
    held = _opened(folder / HELD)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(held)
