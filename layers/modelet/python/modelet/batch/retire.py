"""Delete the generations that nobody can read any more: neither active, nor the one before, nor still being written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from modelet.batch.table import PREDICTIONS
from modelet.errors import StoreError

if TYPE_CHECKING:
    from modelet.batch.worker import Worker


def retire(worker: Worker, model: str, until: float | None) -> bool:
    """Delete what is older than the active generation and the one before it. Returns whether all is deleted.

    until: the monotonic time at which to stop; the next call goes on. A batch that still runs is newer, or will not
    become active, because a switch never goes back. Items that an online answer added go with their generation.
    """
    active = worker.generations.active(model)
    if active is None or active.previous is None:
        return True
    oldest = min(active.generation, active.previous)
    kept = {active.table, active.previous_table, worker.settings.prediction_table}
    try:
        _delete_tables(worker, oldest, kept)
        return _delete_items(worker, oldest, until)
    except (BotoCoreError, ClientError) as error:
        raise StoreError(f"old generations of {model} cannot be deleted: {error}") from error


def _delete_tables(worker: Worker, oldest: str, kept: set[str | None]) -> None:
    prefix = worker.settings.import_prefix
    if not prefix:
        return
    pages = worker.dynamodb.get_paginator("list_tables").paginate(ExclusiveStartTableName=prefix[:-1])
    for page in pages:
        for name in page["TableNames"]:
            if name.startswith(prefix) and name not in kept and name.removeprefix(prefix)[: len(oldest)] < oldest:
                worker.dynamodb.delete_table(TableName=name)
        if page["TableNames"] and page["TableNames"][-1] > f"{prefix}~":
            return


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
        if until is not None and time.monotonic() > until:
            return False
    return True
