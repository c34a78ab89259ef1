"""Ends what a killed server left: a small process that outlives it by a moment.

Run as a program, it reads `+PID` and `-PID` lines, one process group each, from a pipe that the server holds open. When
the pipe ends, however the server ended, it kills the groups that are left and removes the folder named by its argument.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from pathlib import Path


class Keeper:
    """The server's side: a folder for all environments, and the process that keeps watch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # -I -S: neither the laptop's variables nor its site-packages; the file needs the standard library only.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def watch(self, group: int) -> None:
        """Kill this process group should the server die."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """The group has ended."""
        self._tell(f"-{group}\n")

    def stop(self) -> None:
        """Let it kill what is left and remove the folder, and wait until it has."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        if self._process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):  # somebody killed the keeper; the server still cleans up itself
            self._process.stdin.write(line)
            self._process.stdin.flush()


def keep(lines: TextIO, folder: str) -> None:
    """The keeper's whole life."""
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    keep(sys.stdin, sys.argv[1])
