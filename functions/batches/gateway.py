"""The gateway's events, made plain for the app, and the one line that a request writes."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit


def plain(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event without a Host header, and with a path without a stage, a path mapping or a slash at the end.

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


def log(logger: Logger, metrics: Metrics, status: int, seconds: float) -> None:
    """Write one line in CloudWatch's embedded metric format, with the same members as a model's."""
    metrics.add_metric("total_ms", MetricUnit.Milliseconds, seconds * 1000)
    cold = logger.get_current_keys()["cold_start"]
    for name, count in {"ColdStart": cold, "errors": 400 <= status < 500, "faults": status >= 500}.items():
        metrics.add_metric(name, MetricUnit.Count, int(count))
    write = logger.error if status >= 500 else logger.warning if status >= 400 else logger.info
    write("request", status=status, **metrics.serialize_metric_set())
    metrics.clear_metrics()
