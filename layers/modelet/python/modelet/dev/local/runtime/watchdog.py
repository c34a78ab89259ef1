"""Clean up the processes of environments, even if the server is killed.

This module also runs as a small process of its own. It reads `+PID MARK` and `-PID` lines, one environment each, from
a pipe that the server keeps open. When the pipe closes, it kills the remaining environments and removes the folder
that its argument names.
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
"""The variable that identifies the processes of one environment. Child processes inherit it."""
KERNEL = b"2"
"""The process that is the parent of all kernel threads in Linux."""
ROUNDS = 20
"""How often processes are searched, because a process that forks while it is killed leaves an unseen child."""


class Watchdog:
    """The server's side: a folder for all environments, and the watchdog process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # -I -S: ignore the laptop's variables and site-packages; the file needs only the standard library.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def watch(self, group: int, mark: str) -> None:
        """Kill this environment if the server dies. group: its process group. mark: its value of MARK."""
        self._tell(f"+{group} {mark}\n")

    def forget(self, group: int) -> None:
        """Stop watching an environment that has ended."""
        self._tell(f"-{group}\n")

    def stop(self) -> None:
        """Let the watchdog process kill the rest and remove the folder, and wait for it."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        if self._process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):  # the watchdog process was killed; the server still cleans up itself
            self._process.stdin.write(line)
            self._process.stdin.flush()


def end(group: int, mark: str, *, leads: bool = True) -> None:
    """Kill a process group and, on Linux, also what its processes started in other groups and sessions.

    These are the descendants of the group's leader (leads: it still runs), every process with the mark in its
    variables, and their descendants. On other systems, processes outside the group keep running.
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
    """Return the known processes, those with the mark, and all their descendants. Source: proc(5)."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[1-9]*"):
        try:
            state, parent = (entry / "stat").read_bytes().rpartition(b")")[2].split()[:2]
            if state == b"Z" or parent == KERNEL:
                continue
            parents[int(entry.name)] = int(parent)
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                known = known | {int(entry.name)}
        except OSError:  # it has ended, or belongs to another user
            continue
    while more := {pid for pid, parent in parents.items() if parent in known} - known:
        known = known | more
    return known


def run(lines: TextIO, folder: str) -> None:
    """Run the watchdog process until its input ends."""
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
    run(sys.stdin, sys.argv[1])
