"""Tell that a batch has ended: the stage's topic, and the author's own method."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from modelet.batch.clients import client
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


def announce(worker: Worker, record: BatchRecord) -> ModelError | None:
    """Publish the end of a batch, then call `on_batch_complete`; both happen at least once.

    Returns the error for the log if the author's method raises; the batch's state stays. Raises StoreError if the topic
    does not answer.
    """
    said = notice(record)
    if worker.settings.topic:
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
    try:
        worker.service.pipeline.model.on_batch_complete(said)
    except Exception as error:  # noqa: BLE001 - the author's code may raise anything
        failure = ModelError(f"on_batch_complete raised {type(error).__name__}")
        failure.__cause__ = error
        return failure
    return None
