"""Direct invocation: the event is the body of rows, and the answer is its JSON value.

An error that a retry may mend is raised, so that Lambda's own retries and workflows see it; any other is returned as a
problem, since asking again would change nothing. The event of a service that no edge serves is raised too, by the
service's name: an answer would count as success.
"""

from __future__ import annotations

import json
from typing import Any

from modelet.edges.base import Call, EdgeResult, encoded_size
from modelet.edges.router import exchange
from modelet.errors import MalformedBodyError, ModeletError, RequestError, SourceError, TooLargeError
from modelet.protocols.service import Request, Service
from modelet.violation import RESPONSE_LIMIT, TOO_LARGE

MARKS = frozenset((
    "ClientRequestToken", "CodePipeline.job", "LifecycleEventHookExecutionId", "Records", "ResponseURL", "alarmArn",
    "applicationArn", "awslogs", "configRuleArn", "deliveryStreamArn", "eventSource", "getObjectContext",
    "identityPoolId", "invocationSchemaVersion", "methodArn", "requestContext", "triggerSource",
))  # fmt: skip
"""Each service of `edges.source` that is known whatever the contract takes has one of these members in its events."""


raises_retryable = True
"""So that Lambda's own retries, and workflows, see what a retry may cure."""


def matches(event: Any) -> bool:  # noqa: ARG001 - whatever no other edge takes is for this one
    """Every event."""
    return True


def answer(event: Any, service: Service, call: Call) -> EdgeResult:
    """Answer a bare instance or `{"instances": [...]}` with its JSON value."""
    if isinstance(event, list) or (isinstance(event, dict) and not MARKS.isdisjoint(event)):
        from modelet.edges import source  # noqa: PLC0415 - few events are of another service

        if name := source.unmistakable(event):
            return refuse(_unserved(name, service), service, call)
    try:
        # A lone surrogate is not text in UTF-8; the JSON parser then says so.
        body = json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")
    except RecursionError:
        return refuse(MalformedBodyError("The event is nested too deeply."), service, call)
    path = f"/models/{service.name}/infer"
    answered, failure = exchange(Request("POST", path, {}, {}, body, call.timings, call.remaining), service)
    if isinstance(failure, RequestError):
        from modelet.edges import source  # noqa: PLC0415 - few events are refused

        if name := source.likely(event):
            return refuse(_unserved(name, service), service, call)
    response = json.loads(answered.body)
    if len(answered.body) * 6 > RESPONSE_LIMIT and encoded_size(response) > RESPONSE_LIMIT:
        return refuse(TooLargeError(TOO_LARGE), service, call)
    return EdgeResult(response, answered.status, failure)


def refuse(error: ModeletError, service: Service, call: Call) -> EdgeResult:  # noqa: ARG001 - as every edge
    """Answer with an error alone."""
    return EdgeResult(error.problem(), error.status, error)


def _unserved(name: str, service: Service) -> SourceError:
    return SourceError(
        f"This is an event of {name}, which {service.name} does not answer: call the function with an instance or "
        '{"instances": [...]}, or remove the trigger.'
    )
