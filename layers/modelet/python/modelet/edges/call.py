"""One call of the function: what an edge needs to know beside the event, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelet.observability import Timings

if TYPE_CHECKING:
    from modelet.errors import ModeletError


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
