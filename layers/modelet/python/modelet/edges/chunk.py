"""The steps of a batch, as its state machine sends them to a worker: plan, score one chunk, finish.

What cannot be done goes into the control table, and the step succeeds; only an error that may pass is raised, so that
the state machine tries again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.batch.worker import Worker
from modelet.edges.base import Call, EdgeResult
from modelet.errors import MalformedBodyError, ModeletError

if TYPE_CHECKING:
    from modelet.protocols.service import Service

STEP = "modelet"
"""The member that marks such an event; its value is the step."""

raises_retryable = True
"""The state machine tries again."""


def matches(event: Any) -> bool:
    """Return whether an event is a step of a batch."""
    return isinstance(event, dict) and event.get(STEP) in {"plan", "chunk", "finish"} and "batch" in event


def answer(event: Any, service: Service, call: Call) -> EdgeResult:
    """Do a step. A chunk returns an empty object, because a map collects the results of all chunks."""
    worker = _worker(service)
    try:
        if event[STEP] == "plan":
            return EdgeResult(worker.plan(event["batch"]), 200)
        response: dict[str, Any] = {}
        if event[STEP] == "finish":
            response, failure = worker.finish(event["batch"], event.get("cause"), call.remaining)
        else:
            failure = worker.chunk(event["batch"], event["chunk"], call.timings, call.remaining)
    except ModeletError as error:
        return answer_error(error, service, call)
    except (KeyError, TypeError) as cause:
        wrong = MalformedBodyError(f"The event is not a step of a batch: {type(cause).__name__} {cause}")
        return answer_error(wrong, service, call)
    return EdgeResult(response, failure.status if failure else 200, failure)


def answer_error(error: ModeletError, service: Service, call: Call) -> EdgeResult:  # noqa: ARG001 - the interface of edges
    """Answer with an error; a retryable one is raised by the handler."""
    return EdgeResult(error.problem(), error.status, error)


_workers: dict[int, Worker] = {}


def _worker(service: Service) -> Worker:
    """Return the service's worker, with clients that all its invocations share."""
    found = _workers.get(id(service))
    if found is None or found.service is not service:
        found = _workers[id(service)] = Worker(service)
    return found
