"""The process of benchmarks.counts: it counts the bytecodes and calls of a function's start and one warm request.

Run it as `python -P counted.py module.handler`, with OWN a JSON list of folders. Its input is one event. Its output is
`{"init": {module: [bytecodes, calls]}, "request": …}` for the modules in these folders. Calls of Python functions and
of C functions count. Only the main thread is counted, because the work of other threads depends on the machine.
Source: sys.settrace with `f_trace_opcodes`, and sys.setprofile.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from called import context  # type: ignore[import-not-found]  # this script's own folder is on its path

if TYPE_CHECKING:
    from types import FrameType

WARM = 20
"""Requests before the counted one, so that work for the first request only is not counted."""

COUNTED = 5
"""Counted requests; the minimum is used. The first request of a second also formats the time of day again."""

Counts = dict[str, list[int]]


class Counter:
    """Counts bytecodes and calls by module while it is on."""

    def __init__(self, own: list[str]) -> None:
        self._own = own
        self._counts: Counts = {}
        self._module = cache(self._module_of)

    def on(self) -> None:
        """Start a new count."""
        self._counts = {}
        sys.settrace(self._entered)
        sys.setprofile(self._called)

    def off(self) -> Counts:
        """Stop, and return the counts in the order of the modules."""
        sys.setprofile(None)
        sys.settrace(None)
        return dict(sorted(self._counts.items()))

    def _module_of(self, file: str) -> str | None:
        for folder in self._own:
            if file.startswith(f"{folder}/"):
                return file.removeprefix(f"{folder}/").removesuffix(".py").replace("/", ".")
        return None

    def _entered(self, frame: FrameType, _event: str, _value: Any) -> Any:
        if self._module(frame.f_code.co_filename) is None:
            return None
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        return self._traced

    def _traced(self, frame: FrameType, event: str, _value: Any) -> Any:
        if event == "opcode":
            self._add(frame, 0)
        return self._traced

    def _called(self, frame: FrameType | None, event: str, _value: Any) -> None:
        caller = frame.f_back if frame and event == "call" else frame if event == "c_call" else None
        if caller:
            self._add(caller, 1)

    def _add(self, frame: FrameType, place: int) -> None:
        module = self._module(frame.f_code.co_filename)
        if module is not None:
            self._counts.setdefault(module, [0, 0])[place] += 1


def main(handler_name: str) -> None:
    """Start the function, send it requests, and print the counts."""
    replies = os.fdopen(os.dup(1), "w")
    counter = Counter(json.loads(os.environ["OWN"]))
    event = json.loads(sys.stdin.readline())
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    module, _, name = handler_name.rpartition(".")
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 1)  # the function's output goes to a file, as with a Runtime API
        counter.on()
        handler = getattr(import_module(module), name)
        init = counter.off()
        for turn in range(WARM):
            handler(event, context(turn))
        requests = []
        for turn in range(WARM, WARM + COUNTED):
            now = context(turn)
            counter.on()
            answer = handler(event, now)
            requests.append(counter.off())
    request = min(requests, key=lambda counts: sum(bytecodes for bytecodes, _ in counts.values()))
    if answer["statusCode"] != 200:
        raise SystemExit(f"answered {answer['statusCode']}: {answer['body'][:300]}")
    replies.write(json.dumps({"init": init, "request": request}))
    replies.close()


if __name__ == "__main__":
    main(sys.argv[1])
