"""The event by which EventBridge Scheduler starts a batch: infra/ writes it, the platform function recognizes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEDULED, ATTEMPT = "<aws.scheduler.scheduled-time>", "<aws.scheduler.execution-id>"
"""EventBridge Scheduler replaces them. A delivery that is repeated has the same time.

Source: docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html.
"""
MARK, VALUE = "modelet", "schedule"
"""The member that marks such an event. It stands beside `requestContext`, where API Gateway writes every member itself,
so that no caller of the API can add it."""


def schedule_event(model: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event that starts a batch: the same request as a caller's, as the gateway would send it, and the mark.

    model: its name. request: the batch's, as the API takes it.
    """
    path = f"/models/{model}/batches"
    return {
        MARK: VALUE,
        "version": "2.0",
        "routeKey": "ANY /models/{name}/batches",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "content-type": "application/json",
            "idempotency-key": SCHEDULED,
            "user-agent": "modelet-schedule",
        },
        "requestContext": {
            "domainName": "scheduler",
            "http": {
                "method": "POST",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "modelet-schedule",
            },
            "requestId": ATTEMPT,
            "stage": "$default",
        },
        "pathParameters": {"name": model},
        "body": json.dumps(request),
        "isBase64Encoded": False,
    }


def scheduled_model(event: Mapping[str, Any]) -> str | None:
    """Return the model of which a schedule starts a batch; None if the event is not a schedule's."""
    return str(event["pathParameters"]["name"]) if event.get(MARK) == VALUE else None
