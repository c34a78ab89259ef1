"""One call of the function: what an edge needs to know beside the event, and what it gives back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelet.observability import Timings

if TYPE_CHECKING:
    from modelet.errors import ModeletError


RESPONSE_LIMIT = 6_291_556
"""Bytes of an encoded response that Lambda lets through."""
TOO_LARGE = f"The answer is above {RESPONSE_LIMIT} bytes: send the instances in batches."


def encoded_size(response: Any) -> int:
    """The bytes of a response as the runtime client sends it."""
    return len(json.dumps(response, ensure_ascii=False).encode("utf-8", "backslashreplace"))


@dataclass(slots=True)
class Call:
    """Lambda's side of a call: its request id, and the seconds that are left of its timeout (None: no timeout)."""

    request_id: str
    remaining: float | None
    timings: Timings = field(default_factory=Timings)


@dataclass(slots=True)
class Outcome:
    """What goes back to Lambda, the status it stands for, and the error behind it, if any."""

    response: Any
    status: int
    error: ModeletError | None = None
