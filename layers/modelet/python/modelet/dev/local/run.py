"""Folders for the bundles of local runs: one for each process, in the project's .modelet/run."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

HELD = "held"
"""The file that the folder's process locks while it runs. The kernel releases the lock however the process ends."""


@cache
def run_folder(root: Path) -> Path:
    """Return this process's folder in the project at `root`, which is removed at exit. First remove old folders.

    Old folders are those of killed processes. Raises OSError if the project is not writable.
    """
    runs = root / ".modelet" / "run"
    runs.mkdir(parents=True, exist_ok=True)
    turn = _opened(runs / "turn")
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)  # a new folder has no lock for a moment
        for other in runs.iterdir():
            if other.is_dir() and not is_held(other):
                shutil.rmtree(other, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(dir=runs))
        fcntl.flock(_opened(folder / HELD), fcntl.LOCK_EX)
    finally:
        os.close(turn)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _opened(path: Path) -> int:
    """Return a descriptor that child processes do not inherit, and that stays open until it is closed."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


def is_held(folder: Path) -> bool:
    """Return whether the process of a run folder still runs."""
    held = _opened(folder / HELD)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(held)
