"""Why a chunk has no record of its own: its worker was killed, or did not start, at every attempt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from modelet.batch.errors import MissedError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = re.compile(r"[A-Za-z0-9_.]{1,80}")
"""The name of an error; anything else is not repeated in a problem."""

AGAIN = "and start a new batch: a resume keeps the chunks and the worker of this one"
MEMORY = f"ran out of memory: give a smaller chunk_rows, or raise worker.memory_mb and deploy, {AGAIN}"
TIME = (
    "was ended by its timeout before it could record that: give a smaller chunk_rows, or raise worker.timeout_s and "
    f"deploy, {AGAIN}"
)
EXIT = "ended its process: the worker's log says why; correct the model's code and deploy, and start a new batch"
SERVICE = "could not reach a service of AWS: its log names the service; `modelet batch resume` runs the chunk again"
BUSY = (
    "found no free environment: raise worker.max_concurrency and deploy, or wait until other batches have ended; "
    "`modelet batch resume` runs the chunk again"
)
GONE = "does not exist any more: start a new batch, which runs on the version that is deployed now"
UNSTARTED = "was not run by AWS Lambda: `modelet batch resume` runs the chunk again"
OTHER = "failed: the worker's log says why; `modelet batch resume` runs the chunk again"

REASONS = {
    "Runtime.OutOfMemory": MEMORY,
    "Sandbox.Timedout": TIME,
    "States.Timeout": TIME,
    "Runtime.ExitError": EXIT,
    "StoreError": SERVICE,
    "DeadlineError": TIME,
    "ThrottledError": BUSY,
    "Lambda.TooManyRequestsException": BUSY,
    "Lambda.ResourceNotFoundException": GONE,
}
"""What happened to the worker, by the name of the state machine's error, and what to do."""


def missed_error(cause: Any) -> MissedError:
    """Return the error of a chunk whose worker failed at every attempt. cause: the state machine's Error and Cause.

    Lambda names some ends of a process differently: one that is killed because its memory is full may be an exit by a
    signal, and a timeout may have no name. The texts of exceptions are not repeated.
    """
    given: Mapping[str, Any] = cause if isinstance(cause, dict) else {}
    name, text = str(given.get("Error", "")), str(given.get("Cause", ""))
    reason = REASONS.get(name)
    if name == "Runtime.ExitError" and "signal: killed" in text:
        reason = MEMORY
    elif name == "Lambda.Unknown" and "Task timed out" in text:
        reason = TIME
    elif reason is None:
        reason = UNSTARTED if name.startswith("Lambda.") and name != "Lambda.Unknown" else OTHER
    shown = name if NAME.fullmatch(name) else "an unnamed error"
    return MissedError(f"At every attempt, the worker {reason} ({shown}).")
