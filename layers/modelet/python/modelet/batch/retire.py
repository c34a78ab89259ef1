"""Delete the generations that nobody can read any more: neither active, nor the one before, nor still being written."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from modelet.batch.imports import import_table
from modelet.batch.table import PREDICTIONS
from modelet.errors import StoreError

if TYPE_CHECKING:
    from modelet.batch.worker import Worker


MOST_LOOKED_AT = 100
"""The newest batches whose tables are looked for."""


def retire(worker: Worker, model: str, until: float | None) -> bool:
    """Delete what is older than the active generation and the one before it. Returns whether all is deleted.

    until: the monotonic time at which to stop; the next call goes on. A batch that still runs is newer, or will not
    become active, because a switch never goes back. Items that an online answer added go with their generation.
    """
    active = worker.generations.active(model)
    if active is None or active.previous is None:
        return True
    oldest = min(active.generation, active.previous)
    try:
        _delete_tables(worker, model, oldest, {active.table, active.previous_table})
        return _delete_items(worker, oldest, until)
    except (BotoCoreError, ClientError) as error:
        raise StoreError(f"old generations of {model} cannot be deleted: {error}") from error


def _delete_tables(worker: Worker, model: str, oldest: str, kept: set[str | None]) -> None:
    """Delete the tables of older imports, also of those that failed; the batches' records name them."""
    known = worker.dynamodb.exceptions
    passing = (known.ResourceNotFoundException, known.ResourceInUseException)  # gone, or still being imported
    for record in worker.batches.list(model, limit=MOST_LOOKED_AT).records:
        if record.id >= oldest or record.load != "import":
            continue
        for attempt in range(1, record.attempt + 1):
            table = import_table(worker.settings.import_prefix, record.id, attempt)
            if table not in kept:
                with suppress(*passing):
                    worker.dynamodb.delete_table(TableName=table)


def _delete_items(worker: Worker, oldest: str, until: float | None) -> bool:
    """Delete items of the retained table whose generation is older."""
    pages = worker.dynamodb.get_paginator("scan").paginate(
        TableName=worker.settings.prediction_table,
        ProjectionExpression="#i, #g",
        FilterExpression="#g < :oldest",
        ExpressionAttributeNames={"#i": PREDICTIONS.partition, "#g": PREDICTIONS.sort},
        ExpressionAttributeValues={":oldest": {"S": oldest}},
    )
    for page in pages:
        found: list[dict[str, Any]] = page["Items"]
        for start in range(0, len(found), 25):
            waiting = [{"DeleteRequest": {"Key": key}} for key in found[start : start + 25]]
            while waiting:
                answer = worker.dynamodb.batch_write_item(RequestItems={worker.settings.prediction_table: waiting})
                waiting = answer.get("UnprocessedItems", {}).get(worker.settings.prediction_table, [])
                if waiting:
                    time.sleep(0.2)
        if until is not None and time.monotonic() > until and "LastEvaluatedKey" in page:
            return False
    return True
