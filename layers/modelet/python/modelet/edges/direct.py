"""Direct invocation: the event is the body of rows, and the answer is its JSON value.

An error that a retry may mend is raised, so that Lambda's own retries and workflows see it; any other is returned as a
problem, since asking again would change nothing.
"""

from __future__ import annotations

import json
from typing import Any

from modelet.edges.call import Call, Outcome
from modelet.edges.router import exchange
from modelet.protocols.service import Request, Service


def answer(event: Any, service: Service, call: Call) -> Outcome:
    """Answer a bare instance or `{"instances": [...]}` with its JSON value."""
    path = f"/models/{service.name}/infer"
    body = json.dumps(event).encode()
    answered, error = exchange(Request("POST", path, {}, {}, body, call.timings, call.remaining), service)
    return Outcome(json.loads(answered.body), answered.status, error)
