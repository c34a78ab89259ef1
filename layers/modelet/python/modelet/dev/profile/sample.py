"""The measurements of one start of a function."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelet.dev.local.runtime.runtime_api import Reply


class Moment(NamedTuple):
    """A moment in a process: wall time since its start and CPU time in ms, memory in MB."""

    wall_ms: float
    cpu_ms: float
    resident_mb: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One start.

    ends: the moment at which each stage ended (interpreter, client, imports, init, answer). reply: the response, None
    without an event. printed: the output of the process. notes: the probe's lines, split.
    """

    ends: Mapping[str, Moment]
    peak_mb: float
    reply: Reply | None
    printed: str
    notes: list[list[str]]

    @property
    def cold(self) -> Mapping[str, Any]:
        """Return the function's log record of its first request, or an empty mapping."""
        for line in self.printed.splitlines():
            with contextlib.suppress(ValueError, RecursionError):
                found = json.loads(line) if line.startswith("{") else None
                if isinstance(found, dict) and found.get("cold_start") is True:
                    return found
        return {}


def noted(notes: Iterable[list[str]], began_ns: int) -> dict[str, Moment]:
    """Return the ends of stages from the probe's lines. began_ns: the start of the process, on the monotonic clock."""
    page_mb = os.sysconf("SC_PAGE_SIZE") / 1_048_576
    return {
        rest[0]: Moment((int(rest[1]) - began_ns) / 1e6, int(rest[2]) / 1e6, int(rest[3]) * page_mb)
        for kind, *rest in notes
        if kind == "stage"
    }
