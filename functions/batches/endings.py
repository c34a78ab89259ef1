"""The end of batches whose execution ended without its last step: they are set to FAILED or DONE, and announced."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from executions import Executions
from problems import logger
from services import Services

from modelet.batch.errors import UnknownBatchError
from modelet.batch.missed import GONE, REASONS
from modelet.batch.record import ACTIVE, ENDED, LOADING, BatchRecord
from modelet.errors import RequestError, StoreError

SETTLED_S = 60
"""Seconds after a batch changed from which on its execution must run."""
TOLD_WITHIN_S = 24 * 3600
"""Seconds after the end of a batch in which a look at it announces the end, if it was not announced before."""
STATUS_CHANGE = "Step Functions Execution Status Change"
"""The type of EventBridge's event.

Source: docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html.
"""


def settled(services: Services, record: BatchRecord) -> BatchRecord:
    """Return a batch. One whose execution ended without its last step is set to FAILED first: then it can be resumed.

    One that has ended within a day, and was not announced, is announced. A batch that changed a moment ago may not have
    its execution yet, or is being announced.
    """
    age = time.time() - record.changed
    is_told = record.state in ENDED and (record.notified or age > TOLD_WITHIN_S)
    if is_told or age < SETTLED_S:
        return record
    try:
        error = services.executions.end(record.model, record.id, record.attempt)
    except StoreError as failed:
        logger.warning("the execution of a batch cannot be looked at", batch=record.id, exc_info=failed)
        return record
    if error is None:
        return record
    found = record if record.state in ENDED else _end(services, record, error)
    if found.state in ENDED and not found.notified:
        announce(services.executions, found)
    return found


def is_end_of_execution(event: Mapping[str, Any]) -> bool:
    """Return whether EventBridge tells that an execution has failed, timed out or was stopped."""
    return event.get("detail-type") == STATUS_CHANGE


def settle(services: Services, event: Mapping[str, Any]) -> None:
    """Set the batch of an execution that ended to FAILED if it has not ended, and announce its end if that is missing.

    Raises StoreError, so that EventBridge's event comes again. An execution that was started by hand names no batch.
    """
    try:
        given = json.loads(event["detail"]["input"])["batch"]
        model, batch, attempt = str(given["model"]), str(given["id"]), int(given["attempt"])
    except (KeyError, TypeError, ValueError):
        logger.warning("an execution without a batch has ended", execution=event.get("resources"))
        return
    try:
        record = services.batches.get(model, batch)
    except UnknownBatchError:
        return  # its record has expired
    if record.attempt != attempt:
        return  # a later attempt has begun
    if record.state in ACTIVE:
        record = _end(services, record, str(event["detail"].get("error") or ""))
    if record.state in ENDED and not record.notified:
        services.executions.announce(record.model, record.id, record.attempt, record.function)


def announce(executions: Executions, record: BatchRecord) -> None:
    """Let the worker announce the end of a batch whose execution cannot. The batch has ended all the same."""
    try:
        executions.announce(record.model, record.id, record.attempt, record.function)
    except StoreError as error:
        logger.error("the end of a batch is not announced", batch=record.id, state=record.state, exc_info=error)


def _end(services: Services, record: BatchRecord, error: str) -> BatchRecord:
    """Set a batch to FAILED; to DONE if its predictions became active, and only that was not recorded.

    error: the name of the error that ended its execution, "" for none.
    """
    if record.state in LOADING and record.request.table:
        pointer = services.generations.active(record.model)
        if pointer is not None and pointer.was_active(record.id):
            done = services.batches.set_state(record, LOADING, "DONE")
            return services.batches.get(record.model, record.id) if done is None else done
    ended = f"attempt {record.attempt} ended before its last step, while the batch was {record.state}"
    if REASONS.get(error) == GONE:
        lost = RequestError(f"{ended}; its version of the worker {GONE}")
    else:
        lost = RequestError(f"{ended}: `modelet batch resume` runs what is missing")
    failed = services.batches.set_state(record, (record.state,), "FAILED", lost.problem())
    # None says that it went on since it was read.
    return services.batches.get(record.model, record.id) if failed is None else failed
