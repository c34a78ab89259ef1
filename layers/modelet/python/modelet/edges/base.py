"""The edge: the adapter between one kind of event and the pipeline, and what it is given and gives back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.observability import Timings

if TYPE_CHECKING:
    from typing import Protocol

    from modelet.errors import ModeletError
    from modelet.protocols.service import Service

    class Edge(Protocol):
        """One kind of event. A module of this folder is one; `edges.EDGES` has them in the order of trying.

        raises_retryable: whether an error that a retry may cure is raised, so that the caller's own retries see it.
        Only type checkers need this class: to make it takes 0.06 ms of a start.
        """

        raises_retryable: bool

        def matches(self, event: Any) -> bool:
            """Whether an event is of this kind."""

        def answer(self, event: Any, service: Service, call: Call) -> EdgeResult:
            """Answer an event. Raises nothing that a model or a caller can cause."""

        def refuse(self, error: ModeletError, service: Service, call: Call) -> EdgeResult:
            """Answer with an error alone."""


EVENT_LIMIT = 6_291_456
"""Bytes of an event that Lambda takes in a synchronous invocation; `RESPONSE_LIMIT` has the source."""


class Call:
    """Lambda's side of a call: its request id, and the seconds that are left of its timeout (None: no timeout)."""

    __slots__ = ("remaining", "request_id", "timings")

    def __init__(self, request_id: str, remaining: float | None) -> None:
        self.request_id = request_id
        self.remaining = remaining
        self.timings = Timings()


class EdgeResult(NamedTuple):
    """What goes back to Lambda, the status it stands for, and the error behind it, if any."""

    response: Any
    status: int
    error: ModeletError | None = None


def encoded_size(response: Any) -> int:
    """The bytes of a response as the runtime client sends it."""
    return len(json.dumps(response, ensure_ascii=False).encode("utf-8", "backslashreplace"))
