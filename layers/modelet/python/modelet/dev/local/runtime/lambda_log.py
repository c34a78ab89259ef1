"""The lines that Lambda itself writes to a function's log, in its text format.

Source: docs.aws.amazon.com/lambda/latest/dg/python-logging.html (START, END, REPORT) and
docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (INIT_REPORT, the statuses and error types).
"""

from __future__ import annotations

import math
import time


def start(request_id: str) -> str:
    """The line before the function's own."""
    return f"START RequestId: {request_id} Version: $LATEST"


def end(
    request_id: str,
    *,
    duration_ms: float,
    billed_ms: float,
    memory_mb: int,
    used_mb: int,
    init_ms: float | None = None,
    error: str | None = None,
) -> str:
    """The two lines after the function's own; init_ms only where the invocation started its environment."""
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {math.ceil(billed_ms)} ms",
        f"Memory Size: {memory_mb} MB",
        f"Max Memory Used: {used_mb} MB",
    ]
    if init_ms is not None:
        fields.append(f"Init Duration: {init_ms:.2f} ms")
    fields += status(error)
    return f"END RequestId: {request_id}\n" + "\t".join(fields)


def init(init_ms: float, phase: str, error: str) -> str:
    """The line of an init that failed; phase is `init`, or `invoke` where an invocation repeats it."""
    return "\t".join([f"INIT_REPORT Init Duration: {init_ms:.2f} ms", f"Phase: {phase}", *status(error)])


def timed_out(request_id: str, timeout_s: float) -> str:
    """The line of an invocation that was killed."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
    return f"{stamp} {request_id} Task timed out after {timeout_s:.2f} seconds"


def status(error: str | None) -> list[str]:
    """The fields that a line has only after a failure of the environment."""
    if error is None:
        return []
    if error == "Sandbox.Timedout":
        return ["Status: timeout"]
    return ["Status: error", f"Error Type: {error}"]
