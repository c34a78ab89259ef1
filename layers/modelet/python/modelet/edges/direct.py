"""Direct invocation: the event is a body of the rows protocol, and the response is the answer's JSON value.

A retryable error is raised, so that Lambda's own retries and workflows see it. Any other error is returned as a
problem, because a retry would not help. The event of an unsupported service raises an error with the service's name,
because an answer would count as success.
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
"""Members that mark events of other services; all services that `edges.source.certain` knows have one of them."""


raises_retryable = True
"""Lambda's own retries, and workflows, must see retryable errors."""


def matches(event: Any) -> bool:  # noqa: ARG001 - this is the last edge
    """Return True: this edge matches every event."""
    return True


def answer(event: Any, service: Service, call: Call) -> EdgeResult:
    """Answer a bare instance or `{"instances": [...]}` with its JSON value."""
    if isinstance(event, list) or (isinstance(event, dict) and not MARKS.isdisjoint(event)):
        from modelet.edges import source  # noqa: PLC0415 - few events come from another service

        if name := source.certain(event):
            return answer_error(_unsupported(name, service), service, call)
    try:
        # A lone surrogate is not valid UTF-8; the JSON parser reports it.
        body = json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")
    except RecursionError:
        return answer_error(MalformedBodyError("The event is nested too deeply."), service, call)
    path = f"/models/{service.name}/infer"
    answered, failure = exchange(Request("POST", path, {}, {}, body, call.timings, call.remaining), service)
    if isinstance(failure, RequestError):
        from modelet.edges import source  # noqa: PLC0415 - few events are rejected

        if name := source.likely(event):
            return answer_error(_unsupported(name, service), service, call)
    if service.pipeline.takes_payloads:
        from modelet.edges.encoded import value_of  # noqa: PLC0415 - only for plain predictors

        response = value_of(answered)
    else:
        response = json.loads(answered.body)
    if len(answered.body) * 6 > RESPONSE_LIMIT and encoded_size(response) > RESPONSE_LIMIT:
        return answer_error(TooLargeError(TOO_LARGE), service, call)
    return EdgeResult(response, answered.status, failure)


def answer_error(error: ModeletError, service: Service, call: Call) -> EdgeResult:  # noqa: ARG001 - the interface of edges
    """Answer with an error."""
    return EdgeResult(error.problem(), error.status, error)


def _unsupported(name: str, service: Service) -> SourceError:
    return SourceError(
        f"This event comes from {name}, which {service.name} does not support: invoke the function with an instance or "
        '{"instances": [...]}, or remove the trigger.'
    )
