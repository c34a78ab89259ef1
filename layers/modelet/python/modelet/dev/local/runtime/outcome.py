"""The outcome of an invocation."""

from __future__ import annotations

import json
from typing import NamedTuple


class Outcome(NamedTuple):
    """The result of Lambda's Invoke for its caller.

    payload: JSON from the function, or Lambda's `{"errorType", "errorMessage", …}`. error: the type of the error, None
    if the function returned (Lambda: no X-Amz-Function-Error). duration_ms, init_ms: the values of the REPORT line;
    init_ms is None if the environment already existed.
    """

    request_id: str
    payload: bytes
    error: str | None = None
    duration_ms: float = 0.0
    init_ms: float | None = None


def failure(error: str, message: str, request_id: str = "") -> bytes:
    """Return the payload of an error that Lambda reports, not the function."""
    prefix = f"RequestId: {request_id} Error: " if request_id else ""
    return json.dumps({"errorType": error, "errorMessage": prefix + message}).encode()
