"""The messages of a queue of jobs. Each names a job; what must come again is reported by its message's id.

A message whose worker is killed comes again soon after the worker's timeout, one whose job failed by an error that may
pass after some seconds. Source: docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html (partial batch
responses), docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from modelet.batch.settings import WorkerSettings
from modelet.edges.base import Call, EdgeResult
from modelet.edges.router import exchange
from modelet.errors import MalformedBodyError, ModeletError
from modelet.jobs.name import ID
from modelet.jobs.queue import JobQueue, pause
from modelet.jobs.run import GRACE_S, JobRunner, Outcome
from modelet.protocols.service import Request

if TYPE_CHECKING:
    from modelet.jobs.records import JobRecord
    from modelet.protocols.service import Response, Service

RESERVE_S = 5.0
"""Seconds before the timeout that are kept for recording the answer."""
NO_TIMEOUT_S = 900.0

raises_retryable = False
"""Only the messages that the response names come again."""


def matches(event: Any) -> bool:
    """Return whether an event has messages of SQS."""
    records = event.get("Records") if isinstance(event, dict) else None
    return isinstance(records, list) and bool(records) and all(_is_message(record) for record in records)


def answer(event: Any, service: Service, call: Call) -> EdgeResult:
    """Run the job of each message."""
    ends = time.monotonic() + (NO_TIMEOUT_S if call.remaining is None else call.remaining)
    settings = WorkerSettings.from_environ()

    def infer(job: JobRecord, body: bytes) -> tuple[Response, ModeletError | None]:
        headers = {"content-type": job.media_type, **({"accept": job.accept} if job.accept else {})}
        query = {"partial": "true"} if job.partial else {}
        path = f"/models/{service.name}/infer"
        left = ends - time.monotonic() - RESERVE_S
        return exchange(Request("POST", path, headers, query, body, call.timings, left), service)

    runner, queue = JobRunner(service.name, settings, infer), JobQueue(settings.job_queue)

    def run(record: Any) -> Outcome:
        attempt = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
        remaining = ends - time.monotonic()
        try:
            job = _job_of(record, service.name)
        except ModeletError as error:
            return Outcome(error, 0)
        queue.hide(record.get("receiptHandle", ""), remaining + GRACE_S + 1)
        try:
            return runner.run(job, attempt, call.request_id, remaining)
        except ModeletError as error:
            return Outcome(error, pause(attempt))

    failed: list[str] = []
    last: ModeletError | None = None
    for record in event["Records"]:
        outcome = run(record)
        last = outcome.error or last
        if outcome.again_s is not None:
            queue.hide(record.get("receiptHandle", ""), outcome.again_s)
            failed.append(record["messageId"])
    response = {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
    return EdgeResult(response, last.status if last else 200, last)


def answer_error(error: ModeletError, service: Service, call: Call) -> EdgeResult:  # noqa: ARG001 - the interface of edges
    """Return all messages to the queue: an identifier that is none fails the whole event."""
    return EdgeResult({"batchItemFailures": [{"itemIdentifier": ""}]}, error.status, error)


def _is_message(record: Any) -> bool:
    return isinstance(record, dict) and record.get("eventSource") == "aws:sqs" and "messageId" in record


def _job_of(record: Any, name: str) -> str:
    """Return the job's id. Raises MalformedBodyError for another message, which ends in the dead-letter queue."""
    try:
        message = json.loads(record["body"])
        model, job = message["model"], message["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        model = job = None
    if model != name or not isinstance(job, str) or not ID.fullmatch(job):
        raise MalformedBodyError(f"The message {record['messageId']} is not a job of {name}: send jobs by its API.")
    return job
