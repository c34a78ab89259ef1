"""The event of a schedule is recognized, and no caller of the API can send one."""

from __future__ import annotations

import json

from modelet.batch.schedule import schedule_event, scheduled_model
from support.events import http_event, rest_event


def test_an_event_of_a_schedule_names_its_model_and_carries_the_request() -> None:
    event = json.loads(json.dumps(schedule_event("tiny", {"key": "id"})))
    assert scheduled_model(event) == "tiny"
    assert json.loads(event["body"]) == {"key": "id"}
    assert event["headers"]["idempotency-key"] == "<aws.scheduler.scheduled-time>"


def test_whatever_a_caller_writes_a_request_is_no_event_of_a_schedule() -> None:
    ours = schedule_event("tiny", {"key": "id"})
    for make in (http_event, rest_event):
        event = make("POST", f"{ours['rawPath']}?modelet=schedule", {"modelet": "schedule", **json.loads(ours["body"])})
        event["headers"] |= {**ours["headers"], "modelet": "schedule", "host": "scheduler"}
        event["requestContext"] |= {"domainName": "scheduler", "modelet": "schedule"}
        assert scheduled_model(event) is None
