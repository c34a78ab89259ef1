"""The gateway's events, made plain for an app behind Mangum, and the one line that a request writes.

Powertools' logger and metrics are given, because only the functions import it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def serve(
    gateway: Callable[[Any, Any], dict[str, Any]], event: dict[str, Any], context: Any, logger: Any, metrics: Any
) -> dict[str, Any]:
    """Answer an event of API Gateway, payload 1.0 or 2.0, and write its line; the answer has the request id of the log.

    gateway: a Mangum. logger, metrics: Powertools', of which the logger has the invocation's context.
    """
    started = time.perf_counter()
    response = gateway(plain(event), context)
    response["headers"]["x-request-id"] = context.aws_request_id
    _log(logger, metrics, response["statusCode"], time.perf_counter() - started)
    return response


def plain(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event without a Host header, and with a path without a stage or a path mapping.

    Mangum reads a port from the Host header, which callers may forge. In payload 2.0, the path contains the named stage
    of an HTTP API. The path of a REST API contains the path mapping of a custom domain; its resource does not.
    """
    made = dict(event)
    for member in ("headers", "multiValueHeaders"):
        made[member] = {name: value for name, value in (event.get(member) or {}).items() if name.lower() != "host"}
    if path := event.get("resource"):
        for name, value in (event.get("pathParameters") or {}).items():
            path = path.replace(f"{{{name}+}}", value).replace(f"{{{name}}}", value)
        made["path"] = path
    context = event["requestContext"]
    http, stage = context.get("http"), context.get("stage")
    if http and f"{http['path']}/".startswith(f"/{stage}/"):
        path = http["path"].removeprefix(f"/{stage}") or "/"
        made["requestContext"] = {**context, "http": {**http, "path": path}}
    return made


def _log(logger: Any, metrics: Any, status: int, seconds: float) -> None:
    """Write one line in CloudWatch's embedded metric format, with the same members as a model's."""
    metrics.add_metric("total_ms", "Milliseconds", seconds * 1000)
    cold = logger.get_current_keys()["cold_start"]
    for name, count in {"ColdStart": cold, "errors": 400 <= status < 500, "faults": status >= 500}.items():
        metrics.add_metric(name, "Count", int(count))
    write = logger.error if status >= 500 else logger.warning if status >= 400 else logger.info
    write("request", status=status, **metrics.serialize_metric_set())
    metrics.clear_metrics()
