"""The interface of an edge, the adapter between one kind of event and the pipeline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.observability import Timings

if TYPE_CHECKING:
    from typing import Protocol

    from modelet.errors import ModeletError
    from modelet.protocols.service import Service

    class Edge(Protocol):
        """The edge for one kind of event. Modules of this folder implement it; `edges.EDGES` lists them.

        raises_retryable: whether retryable errors are raised, so that the caller's own retries see them. Only type
        checkers need this class: creating it takes 0.06 ms of a start.
        """

        raises_retryable: bool

        def matches(self, event: Any) -> bool:
            """Return whether an event is of this kind."""

        def answer(self, event: Any, service: Service, call: Call) -> EdgeResult:
            """Answer an event. Raises no error that a model or a caller can cause."""

        def answer_error(self, error: ModeletError, service: Service, call: Call) -> EdgeResult:
            """Answer with an error."""


EVENT_LIMIT = 6_291_456
"""Lambda's limit in bytes for the event of a synchronous invocation; `RESPONSE_LIMIT` has the source."""


class Call:
    """An invocation: its request id, and the seconds until its timeout (None: no timeout)."""

    __slots__ = ("remaining", "request_id", "timings")

    def __init__(self, request_id: str, remaining: float | None) -> None:
        self.request_id = request_id
        self.remaining = remaining
        self.timings = Timings()


class EdgeResult(NamedTuple):
    """The response for Lambda, its status, and its error, if any."""

    response: Any
    status: int
    error: ModeletError | None = None


def encoded_size(response: Any) -> int:
    """Return the size in bytes of a response as the runtime client sends it."""
    return len(json.dumps(response, ensure_ascii=False).encode("utf-8", "backslashreplace"))
