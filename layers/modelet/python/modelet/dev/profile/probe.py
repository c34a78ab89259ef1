"""Record the stages of the profiled process and, under -X importtime, who imports each module.

This file runs inside the profiled process: the interpreter imports a copy of it as `sitecustomize.py`. It writes
tab-separated lines to a file in the same folder:

    stage, name, monotonic clock in ns, CPU of the process in ns, pages in memory
    import, module, who (yours, modelet, runtime), file and line of the function's own code that caused it, if any
    compile, file: a module that has no bytecode

Every microsecond here counts as the function's, so this file imports only what the interpreter already has, not typing.
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
"""The output file, in the folder of this file."""
HANDLER = "modelet.handler"
BACKEND = "modelet.backends."


class Probe:
    """An import finder that finds nothing, but sees every import.

    entry: the function's module. folder: its code. traced: record who imports each module, and what is compiled.
    """

    def __init__(self, notes: str, entry: str, folder: str, *, traced: bool) -> None:
        self._notes = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._entry = entry.partition(".")[0]
        self._folder = folder + os.sep
        self._traced = traced
        self._entered = False

    def start(self) -> None:
        """Record the start of the interpreter, and watch from now on."""
        self.stage("interpreter")
        sys.meta_path.insert(0, self)
        if self._traced:
            sys.addaudithook(self.audit)

    def stage(self, name: str) -> None:
        """Record the end of a stage. If a stage has several lines, the last one counts."""
        wall, cpu = time.monotonic_ns(), time.process_time_ns()
        try:
            with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib would be a further import
                pages = int(file.read().split()[1])
        except OSError:
            pages = 0
        self._write("stage", name, wall, cpu, pages)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Called by importlib for each module. None passes it to the next finder."""
        if name == self._entry and not self._entered:
            self._entered = True
            self.stage("client")
        if self._traced:
            self._write("import", name, *self._who(sys._getframe(1)))
        return self._watched(name, path, target) if name == HANDLER or name.startswith(BACKEND) else None

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Handle audit events: a source file that is compiled has no valid bytecode."""
        if event == "compile" and isinstance(arguments[1], str) and arguments[1].endswith(".py"):
            self._write("compile", arguments[1])

    def _who(self, frame: FrameType | None) -> tuple[str, str, int]:
        """Return who imports, from the innermost frame that shows it, and the function's own line that caused it."""
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
        """Find the entry module with the other finders, and record the end of the imports when a handler loads.

        A handler without a class imports its backend only then.
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

        spec.loader.exec_module = exec_module  # type: ignore[method-assign] # only of this loader
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
        os.path.join(os.path.dirname(__file__), NOTES),  # noqa: PTH118, PTH120 - pathlib would be a further import
        sys.orig_argv[-1],
        os.getcwd(),  # noqa: PTH109 - pathlib would be a further import
        traced="importtime" in sys._xoptions,
    ).start()
