"""Run the runtime client as `python -m` does, and record every import: `python watched.py FILE app.handler`.

It writes one line for each module when its import ends: its name, the module that imported it first (empty for imports
by the client through importlib), and the CPU ms, wall ms and memory in KB of its own code, without the modules that it
imports. Source: importlib's `_find_and_load`, which handles every first import.
"""

from __future__ import annotations

import _frozen_importlib
import _thread
import os
import runpy
import sys
from time import perf_counter, thread_time


class Importing:
    """A module during its import, and the cost of the modules that it has imported so far."""

    def __init__(self, name: str) -> None:
        self.name, self.inner = name, [0.0, 0.0, 0.0]


LINES = os.open(sys.argv.pop(1), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
STATM = os.open("/proc/self/statm", os.O_RDONLY)
PAGE_KB = os.sysconf("SC_PAGE_SIZE") / 1024
IMPORTLIB = vars(_frozen_importlib)
find_and_load = IMPORTLIB["_find_and_load"]
stacks: dict[int, list[Importing]] = {}


def spent() -> tuple[float, float, float]:
    """Return CPU and wall ms of this thread, and the memory of the process in KB. Source: man 5 proc_pid_statm."""
    return thread_time() * 1000, perf_counter() * 1000, int(os.pread(STATM, 100, 0).split()[1]) * PAGE_KB


def watched(name: str, importer: object) -> object:
    """Import a module, and record its cost. Raises the errors of the import."""
    if name in sys.modules:
        return find_and_load(name, importer)
    stack = stacks.setdefault(_thread.get_ident(), [])
    this = Importing(name)
    stack.append(this)
    began = spent()
    try:
        return find_and_load(name, importer)
    finally:
        took = [after - before for after, before in zip(spent(), began, strict=True)]
        stack.pop()
        own = [whole - part for whole, part in zip(took, this.inner, strict=True)]
        parent = stack[-1] if stack else Importing("")
        parent.inner = [before + more for before, more in zip(parent.inner, took, strict=True)]
        if name in sys.modules:
            os.write(LINES, "\t".join([name, parent.name, *(f"{each:.3f}" for each in own)]).encode() + b"\n")


sys.path[0] = os.getcwd()  # noqa: PTH109 - pathlib would be a further import
IMPORTLIB["_find_and_load"] = watched
runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
