"""The steps of a batch, as its state machine sends them to a worker: plan, score one chunk, finish.

A fourth step, `missed`, records a chunk whose worker was killed at every attempt, which could not do so itself.

What cannot be done goes into the control table, and the step succeeds. An error that may pass is raised, so that the
state machine tries again; any other is raised as StepError, which the state machine catches and ends the batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.batch.errors import StepError
from modelet.batch.worker import Worker
from modelet.edges.base import Call, EdgeResult
from modelet.errors import ModeletError

if TYPE_CHECKING:
    from modelet.protocols.service import Service

STEP = "modelet"
"""The member that marks such an event; its value is the step."""
STEPS = {"plan", "chunk", "missed", "finish"}

raises_retryable = True
"""The state machine tries again."""


def matches(event: Any) -> bool:
    """Return whether an event is a step of a batch."""
    return isinstance(event, dict) and event.get(STEP) in STEPS and "batch" in event


def answer(event: Any, service: Service, call: Call) -> EdgeResult:
    """Do a step. A chunk returns an empty object, because a map collects the results of all chunks."""
    worker = _worker(service)
    try:
        if event[STEP] == "plan":
            return EdgeResult(worker.plan(event["batch"], call.remaining), 200)
        response: dict[str, Any] = {}
        if event[STEP] == "finish":
            response, failure = worker.finish(event["batch"], event.get("cause"), call.remaining)
        elif event[STEP] == "missed":
            failure = worker.missed(event["batch"], event["chunk"], event.get("cause"))
        else:
            failure = worker.chunk(event["batch"], event["chunk"], call.timings, call.remaining)
    except ModeletError as error:
        return answer_error(error, service, call)
    return EdgeResult(response, failure.status if failure else 200, failure)


def answer_error(error: ModeletError, service: Service, call: Call) -> EdgeResult:  # noqa: ARG001 - the interface of edges
    """Return an error that the handler raises: the state machine would take any answer as success."""
    raised = error if error.retryable else StepError.of(error)
    return EdgeResult({}, raised.status, raised)


_workers: dict[int, Worker] = {}


def _worker(service: Service) -> Worker:
    """Return the service's worker, with clients that all its invocations share."""
    found = _workers.get(id(service))
    if found is None or found.service is not service:
        found = _workers[id(service)] = Worker(service)
    return found
