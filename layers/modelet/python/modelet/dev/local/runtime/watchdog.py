"""Ends what environments leave, and what a killed server left: a small process that outlives it by a moment.

Run as a program, it reads `+PID MARK` and `-PID` lines, one environment each, from a pipe that the server holds open.
When the pipe ends, however the server ended, it ends the environments that are left and removes the folder named by its
argument.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TextIO

MARK = "AWS_LAMBDA_LOG_STREAM_NAME"
"""The variable that tells one environment's processes from all others; children inherit it."""
KERNEL = b"2"
"""The process of which all threads of Linux itself are children."""
ROUNDS = 20
"""How often processes are looked for: one that forks while it is killed leaves a child that was not seen."""


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

    def watch(self, group: int, mark: str) -> None:
        """End this environment should the server die. group: its process group. mark: its value of MARK."""
        self._tell(f"+{group} {mark}\n")

    def forget(self, group: int) -> None:
        """The environment has ended."""
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


def end(group: int, mark: str, *, leads: bool = True) -> None:
    """Kill a process group and, on Linux, what its processes started in other groups and sessions too.

    Those are the descendants of the group's leader (leads: it still runs) and every process with the mark among its
    variables, with their descendants. Elsewhere, what left the group stays.
    """
    for _ in range(ROUNDS):
        family = _family({group} if leads else set(), f"{MARK}={mark}".encode())
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: not permitted once all have ended
            os.killpg(group, signal.SIGKILL)
        for pid in family - {group}:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not family - {group}:
            return
        leads = False


def _family(known: set[int], mark: bytes) -> set[int]:
    """The processes that are known or have the mark, and all that descend from them. Source: proc(5)."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[1-9]*"):
        try:
            state, parent = (entry / "stat").read_bytes().rpartition(b")")[2].split()[:2]
            if state == b"Z" or parent == KERNEL:
                continue
            parents[int(entry.name)] = int(parent)
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                known = known | {int(entry.name)}
        except OSError:  # it has ended, or is another user's
            continue
    while more := {pid for pid, parent in parents.items() if parent in known} - known:
        known = known | more
    return known


def keep(lines: TextIO, folder: str) -> None:
    """The keeper's whole life."""
    marks: dict[int, str] = {}
    for line in lines:
        group, _, mark = line[1:].strip().partition(" ")
        if line.startswith("+"):
            marks[int(group)] = mark
        else:
            marks.pop(int(group), None)
    for left, mark in marks.items():
        end(left, mark)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    keep(sys.stdin, sys.argv[1])
