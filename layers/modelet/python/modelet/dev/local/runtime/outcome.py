"""What an invocation comes to."""

from __future__ import annotations

import json
from typing import NamedTuple


class Outcome(NamedTuple):
    """What the caller of Lambda's Invoke gets.

    payload: JSON, the function's own or Lambda's `{"errorType", "errorMessage", …}`. error: the type of the error, None
    when the function answered (Lambda: no X-Amz-Function-Error). duration_ms, init_ms: as the REPORT line says them;
    init_ms is None for an environment that was there already.
    """

    request_id: str
    payload: bytes
    error: str | None = None
    duration_ms: float = 0.0
    init_ms: float | None = None


def failure(error: str, message: str, request_id: str = "") -> bytes:
    """The payload of an error that Lambda, not the function, reports."""
    prefix = f"RequestId: {request_id} Error: " if request_id else ""
    return json.dumps({"errorType": error, "errorMessage": prefix + message}).encode()
