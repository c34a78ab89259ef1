"""The log lines of Lambda itself, in its text format.

Source: docs.aws.amazon.com/lambda/latest/dg/python-logging.html (START, END, REPORT) and
docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (INIT_REPORT, the statuses and error types).
"""

from __future__ import annotations

import math
import time


def start(request_id: str) -> str:
    """Return the line before an invocation."""
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
    """Return the two lines after an invocation. init_ms: only if the invocation started its environment."""
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
    """Return the line of a failed init. phase: `init`, or `invoke` if an invocation repeats it."""
    return "\t".join([f"INIT_REPORT Init Duration: {init_ms:.2f} ms", f"Phase: {phase}", *status(error)])


def timed_out(request_id: str, timeout_s: float) -> str:
    """Return the line of an invocation that was killed."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
    return f"{stamp} {request_id} Task timed out after {timeout_s:.2f} seconds"


def status(error: str | None) -> list[str]:
    """Return the additional fields after a failure of the environment."""
    if error is None:
        return []
    if error == "Sandbox.Timedout":
        return ["Status: timeout"]
    return ["Status: error", f"Error Type: {error}"]
