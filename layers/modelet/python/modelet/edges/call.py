"""One call of the function: what an edge needs to know beside the event, and what it gives back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.observability import Timings

if TYPE_CHECKING:
    from modelet.errors import ModeletError


EVENT_LIMIT = 6_291_456
"""Bytes of an event that Lambda takes in a synchronous invocation; `RESPONSE_LIMIT` has the source."""


def encoded_size(response: Any) -> int:
    """The bytes of a response as the runtime client sends it."""
    return len(json.dumps(response, ensure_ascii=False).encode("utf-8", "backslashreplace"))


class Call:
    """Lambda's side of a call: its request id, and the seconds that are left of its timeout (None: no timeout)."""

    __slots__ = ("remaining", "request_id", "timings")

    def __init__(self, request_id: str, remaining: float | None) -> None:
        self.request_id = request_id
        self.remaining = remaining
        self.timings = Timings()


class Outcome(NamedTuple):
    """What goes back to Lambda, the status it stands for, and the error behind it, if any."""

    response: Any
    status: int
    error: ModeletError | None = None
