"""Direct invocation: the event is the body of rows, and the answer is its JSON value.

An error that a retry may mend is raised, so that Lambda's own retries and workflows see it; any other is returned as a
problem, since asking again would change nothing.
"""

from __future__ import annotations

import json
from typing import Any

from modelet.edges.call import RESPONSE_LIMIT, TOO_LARGE, Call, Outcome, encoded_size
from modelet.edges.router import exchange
from modelet.errors import MalformedBodyError, ModeletError, TooLargeError
from modelet.protocols.service import Request, Service


def answer(event: Any, service: Service, call: Call) -> Outcome:
    """Answer a bare instance or `{"instances": [...]}` with its JSON value."""
    try:
        body = json.dumps(event).encode()
    except RecursionError:
        return refuse(MalformedBodyError("The event is nested too deeply."), service, call)
    path = f"/models/{service.name}/infer"
    answered, failure = exchange(Request("POST", path, {}, {}, body, call.timings, call.remaining), service)
    response = json.loads(answered.body)
    if len(answered.body) * 6 > RESPONSE_LIMIT and encoded_size(response) > RESPONSE_LIMIT:
        return refuse(TooLargeError(TOO_LARGE), service, call)
    return Outcome(response, answered.status, failure)


def refuse(error: ModeletError, _service: Service, _call: Call) -> Outcome:
    """Answer with an error alone."""
    return Outcome(error.problem(), error.status, error)
