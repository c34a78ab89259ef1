"""Runs inside the profiled process: notes where its start has got to and, under -X importtime, who imports what.

A copy of this file, as `sitecustomize.py` on the path, is the first thing that the interpreter imports. It writes to a
file beside itself, a line each, tab-separated:

    stage, name, monotonic clock in ns, CPU of the process in ns, pages in memory
    import, module, who (yours, modelet, runtime), file and line of the function's own code that led there, if any
    compile, file: a module that has no bytecode

Here every microsecond counts as the function's: nothing is imported that the interpreter has not, not even typing.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import FrameType, ModuleType
    from typing import Any

NOTES = "notes.tsv"
"""The file beside this one."""
HANDLER = "modelet.handler"
BACKEND = "modelet.backends."


class Probe:
    """A finder that finds nothing, and so is told of every module that is looked for.

    entry: the function's module. folder: its code. traced: say who imports each module, and compiles.
    """

    def __init__(self, notes: str, entry: str, folder: str, *, traced: bool) -> None:
        self._notes = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._entry = entry.partition(".")[0]
        self._folder = folder + os.sep
        self._traced = traced
        self._entered = False

    def start(self) -> None:
        """Note that the interpreter is there, and watch from now on."""
        self.stage("interpreter")
        sys.meta_path.insert(0, self)
        if self._traced:
            sys.addaudithook(self.audit)

    def stage(self, name: str) -> None:
        """Note that a stage ends; of several such lines the last one says it."""
        wall, cpu = time.monotonic_ns(), time.process_time_ns()
        try:
            with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib would be the function's import
                pages = int(file.read().split()[1])
        except OSError:
            pages = 0
        self._write("stage", name, wall, cpu, pages)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """importlib's question for a module; None leaves it to the next finder."""
        if name == self._entry and not self._entered:
            self._entered = True
            self.stage("client")
        if self._traced:
            self._write("import", name, *self._who(sys._getframe(1)))
        return self._watched(name, path, target) if name == HANDLER or name.startswith(BACKEND) else None

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """The interpreter's audit events: a source file that is compiled has no bytecode that can be used."""
        if event == "compile" and isinstance(arguments[1], str) and arguments[1].endswith(".py"):
            self._write("compile", arguments[1])

    def _who(self, frame: FrameType | None) -> tuple[str, str, int]:
        """Who asks, by the innermost frame that says it; then the function's own line that led there."""
        who = ""
        while frame is not None:
            file, package = frame.f_code.co_filename, frame.f_globals.get("__name__", "").partition(".")[0]
            if file.startswith(self._folder) and "site-packages" not in file:
                return who or "yours", file[len(self._folder) :], frame.f_lineno
            if package in {"modelet", "awslambdaric"}:
                who = who or ("modelet" if package == "modelet" else "runtime")
            frame = frame.f_back
        return who or "runtime", "", 0

    def _watched(self, name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        """A module as the other finders find it, that says when the imports end: as a handler begins to load.

        One without a class of its own imports its backend only then.
        """
        others = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((found for found in others if found), None)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            if name == HANDLER:
                self._watch_load(module.ModelHandler)
            else:
                self.stage("imports")

        spec.loader.exec_module = exec_module  # type: ignore[method-assign] # of this one loader
        return spec

    def _watch_load(self, handler: Any) -> None:
        load = handler.load

        def load_noted(*arguments: Any) -> None:
            self.stage("imports")
            load(*arguments)

        handler.load = load_noted

    def _write(self, *fields: object) -> None:
        os.write(self._notes, "\t".join(map(str, fields)).encode("utf-8", "surrogateescape") + b"\n")


if __name__ == "sitecustomize":
    Probe(
        os.path.join(os.path.dirname(__file__), NOTES),  # noqa: PTH118, PTH120 - pathlib would be the function's import
        sys.orig_argv[-1],
        os.getcwd(),  # noqa: PTH109 - as above
        traced="importtime" in sys._xoptions,
    ).start()
