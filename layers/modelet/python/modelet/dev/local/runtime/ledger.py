"""What one environment writes to its function's log, and how much memory it took."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from modelet.dev.local.runtime import lambda_log as report
from modelet.dev.local.runtime.memory import peak_mb

if TYPE_CHECKING:
    from modelet.dev.local.runtime.function import LocalFunction
    from modelet.dev.local.runtime.log import Log

MEASURED_EVERY = 0.1
"""Seconds between two looks at a busy process's memory: each costs as much as the lines of a request."""


class Ledger:
    """Lambda's lines for an environment; init on demand is billed, a provisioned one is paid for otherwise."""

    def __init__(self, function: LocalFunction, log: Log, *, provisioned: bool) -> None:
        self._function = function
        self._log = log
        self._provisioned = provisioned
        self._measured = float("-inf")
        self._peak_mb = 0

    def line(self, text: str) -> None:
        """Write one line, or several."""
        self._log.line(self._function.name, self._function.told(text))

    def measure(self, pid: int, *, now: bool = False) -> None:
        """Look at the process's memory, unless that was done a moment ago."""
        moment = perf_counter()
        if now or moment - self._measured > MEASURED_EVERY:
            self._measured = moment
            self._peak_mb = max(self._peak_mb, peak_mb(pid))

    def end(self, request_id: str, duration_ms: float, init_ms: float | None, error: str | None) -> None:
        """Close an invocation: what became of the environment by it, and what it used."""
        memory_mb = self._function.memory_mb
        if self._peak_mb > memory_mb:
            self.line(f"{self._peak_mb} MB is above memory_mb ({memory_mb}): Lambda ends such an environment")
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
