"""The log lines of an environment, and its memory use."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from modelet.dev.local.runtime import lambda_log as report
from modelet.dev.local.runtime.memory import peak_mb

if TYPE_CHECKING:
    from modelet.dev.local.runtime.function import LocalFunction
    from modelet.dev.local.runtime.log import Log

MEASURED_EVERY = 0.1
"""Seconds between two measurements of a busy process's memory: one costs as much as the log lines of a request."""


class Ledger:
    """Writes Lambda's log lines for an environment. An init on demand is billed, a provisioned one is not."""

    def __init__(self, function: LocalFunction, log: Log, *, provisioned: bool) -> None:
        self._function = function
        self._log = log
        self._provisioned = provisioned
        self._measured = float("-inf")
        self._peak_mb = 0

    def line(self, text: str) -> None:
        """Write one or more lines."""
        self._log.line(self._function.name, self._function.told(text))

    def measure(self, pid: int, *, now: bool = False) -> None:
        """Measure the process's memory, unless this was done a moment ago."""
        moment = perf_counter()
        if now or moment - self._measured > MEASURED_EVERY:
            self._measured = moment
            self._peak_mb = max(self._peak_mb, peak_mb(pid))

    def end(self, request_id: str, duration_ms: float, init_ms: float | None, error: str | None) -> None:
        """Write the lines at the end of an invocation: its time, memory and error."""
        memory_mb = self._function.memory_mb
        if self._peak_mb > memory_mb:
            self.line(f"{self._peak_mb} MB exceeds memory_mb ({memory_mb}): Lambda would end this environment")
        self.line(
            report.end(
                request_id,
                duration_ms=duration_ms,
                billed_ms=duration_ms + (0 if self._provisioned else init_ms or 0),
                memory_mb=memory_mb,
                used_mb=self._peak_mb,
                init_ms=init_ms,
                error=error,
            )
        )
