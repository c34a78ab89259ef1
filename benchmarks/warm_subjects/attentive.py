"""The bare handler with a log line and an alarm before the function's timeout, which Modelet also has."""

from __future__ import annotations

import os
from signal import ITIMER_REAL, setitimer
from typing import Any

import bare  # type: ignore[import-not-found]  # a function's own folder is on its path

LINE = b"x" * 1_000 + b"\n"
STDOUT = 1


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Call the bare handler between the start and the stop of an alarm, and write a log line."""
    setitimer(ITIMER_REAL, context.get_remaining_time_in_millis() / 1000)
    answer: dict[str, Any] = bare.handler(event, context)
    setitimer(ITIMER_REAL, 0)
    os.write(STDOUT, LINE)
    return answer
