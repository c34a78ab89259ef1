"""Announce the end of a batch: first to the stage's topic, then to the author's own method; both at least once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from modelet.batch.clients import client
from modelet.deadline import Alarm, Deadline, disarm
from modelet.errors import ModelError, StoreError

if TYPE_CHECKING:
    from modelet.batch.record import BatchRecord
    from modelet.batch.worker import Worker


def notice(record: BatchRecord) -> dict[str, Any]:
    """Return what subscribers and the author's method get: the batch's id, state and counts."""
    return {
        "model": record.model,
        "id": record.id,
        "version": record.version,
        "state": record.state,
        "rows": record.rows_done,
        "failed": record.rows_failed,
        "problem": record.problem,
    }


def publish(worker: Worker, record: BatchRecord) -> None:
    """Publish the end of a batch, if the stage has a topic. Raises StoreError if the topic does not answer."""
    if worker.settings.topic:
        said = notice(record)
        attributes = {name: {"DataType": "String", "StringValue": str(said[name])} for name in ("model", "state", "id")}
        try:
            client("sns").publish(
                TopicArn=worker.settings.topic,
                Subject=f"Batch {record.id}: {record.state}",
                Message=json.dumps(said),
                MessageAttributes=attributes,
            )
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"the topic of completed batches did not answer: {error}") from error


def complete(worker: Worker, record: BatchRecord, seconds: float | None) -> ModelError | None:
    """Call the author's `on_batch_complete`. seconds: that it may take; None for any.

    Returns the error for the log if it raises; the batch's state stays. Raises TimeoutError if it takes longer.
    """
    try:
        with Deadline(seconds):
            worker.service.pipeline.model.on_batch_complete(notice(record))
    except Alarm:
        disarm()
        raise TimeoutError from None
    except Exception as error:  # noqa: BLE001 - the author's code may raise anything
        failure = ModelError(f"on_batch_complete raised {type(error).__name__}")
        failure.__cause__ = error
        return failure
    return None
