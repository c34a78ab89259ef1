"""When a message comes again: soon, later each time, and never by an error of its own."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from modelet.batch import clients
from modelet.jobs.queue import JobQueue, pause
from support.aws import running_service

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/tiny-jobs"


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    clients.client.cache_clear()
    yield
    clients.client.cache_clear()


def test_pauses_grow_with_jitter_and_end_at_minutes() -> None:
    pauses = [[pause(attempt) for _ in range(200)] for attempt in (1, 2, 3, 8, 100)]
    for found, longest in zip(pauses, (4, 8, 16, 300, 300), strict=True):
        assert longest / 2 <= min(found) < max(found) <= longest
        assert len({round(each, 6) for each in found}) > 100


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(("seconds", "told"), [(-3.0, 0), (0, 0), (0.2, 1), (930.5, 931)])
def test_a_message_is_hidden_for_whole_seconds(monkeypatch: pytest.MonkeyPatch, seconds: float, told: int) -> None:
    with running_service() as service:
        service.script = lambda *_: (200, {})
        monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
        JobQueue(URL).hide("a-receipt", seconds)
        [asked] = service.seen
    assert asked.headers["X-Amz-Target"] == "AmazonSQS.ChangeMessageVisibility"
    assert json.loads(asked.body) == {"QueueUrl": URL, "ReceiptHandle": "a-receipt", "VisibilityTimeout": told}


@pytest.mark.usefixtures("signed_in")
def test_a_failure_is_only_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    with running_service() as service:
        service.script = lambda *_: (400, {"__type": "ReceiptHandleIsInvalid", "message": "it expired"})
        monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
        JobQueue(URL).hide("a-receipt", 1)
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "ReceiptHandleIsInvalid" in record.getMessage()


def test_without_a_url_nothing_is_called() -> None:
    JobQueue("").hide("a-receipt", 1)
