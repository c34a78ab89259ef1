"""Delete the generations that cannot be read any more: neither active, nor the one before, nor still being written.

Imported tables are deleted whole. Rows of the model's own table are deleted one by one, unless they expire.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from modelet.batch.deletion import Deletion, sweep
from modelet.batch.dynamodb import Table
from modelet.batch.imports import import_table
from modelet.batch.record import ENDED
from modelet.errors import ModeletError, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.batch.generations import Generation
    from modelet.batch.record import BatchRecord
    from modelet.batch.worker import Worker


MOST_LOOKED_AT = 100
"""The newest batches whose tables and rows are looked for."""
MOST_CALLS = 8
"""Calls of the last step that delete rows after one batch; what is left is deleted after the next batch."""
LATE_S = 900
"""Seconds for which a worker may still write after its batch has ended: the longest timeout of a worker."""


def retire(worker: Worker, record: BatchRecord, until: float | None) -> bool:
    """Delete what is older than the active generation and the one before it, after a batch has become active.

    until: the monotonic time at which to stop; the next call goes on. Returns whether there is nothing left to do after
    this batch. Items that an online answer added go with their generation. Raises StoreError if DynamoDB does not
    answer, ServingError if it refuses: what is left is never read, and the next batch deletes it.
    """
    active = worker.generations.active(record.model)
    if active is None or active.previous is None:
        return True
    oldest = min(active.generation, active.previous)
    recent = worker.batches.list(record.model, limit=MOST_LOOKED_AT).records
    try:
        _delete_tables(worker, recent, active, oldest)
    except (BotoCoreError, ClientError) as error:
        raise StoreError(f"old tables of {record.model} cannot be deleted: {error}") from error
    return _delete_rows(worker, record, recent, oldest, until)


def _delete_tables(worker: Worker, recent: Sequence[BatchRecord], active: Generation, oldest: str) -> None:
    """Delete the tables of older imports, also of those that failed; records name them, or the pointer does."""
    known = worker.dynamodb.exceptions
    passing = (known.ResourceNotFoundException, known.ResourceInUseException)  # gone, or still being imported
    prefix = worker.settings.import_prefix
    tables = {
        import_table(prefix, each.id, attempt)
        for each in recent
        if each.id < oldest and each.load == "import"
        for attempt in range(1, each.attempt + 1)
    }
    if active.dropped_table is not None and active.dropped_table.startswith(prefix):
        tables.add(active.dropped_table)  # its record may have expired
    tables -= {active.table, active.previous_table, worker.settings.prediction_table}
    for table in sorted(tables):
        with suppress(*passing):
            worker.dynamodb.delete_table(TableName=table)


def _delete_rows(
    worker: Worker, record: BatchRecord, recent: Sequence[BatchRecord], oldest: str, until: float | None
) -> bool:
    """Delete rows of the model's own table whose generation is older. Returns whether no further call is wanted."""
    control = Table(worker.dynamodb, worker.settings.control_table)
    own = Table(worker.dynamodb, worker.settings.prediction_table)
    state = Deletion.read(control, record.model).called(record.id)
    if state.calls > MOST_CALLS:
        return True
    was_left = bool(state.parts)
    error: Exception | None = None
    while True:
        if not state.parts:
            bound = _settled(recent, oldest)
            if not _has_rows(recent, state.deleted, oldest):
                state = state._replace(deleted=bound)
                break
            state = state.begin(bound)
        state, error = sweep(own, state, oldest, until)
        if state.parts or not was_left:
            break
        was_left = False  # the pass of an earlier batch is at its end: what became old since then is in another pass
    state.write(control, record.model)
    if error is not None:
        raise error if isinstance(error, ModeletError) else StoreError(f"old rows cannot be deleted: {error!r}")
    return not state.parts or state.calls >= MOST_CALLS


def _settled(recent: Sequence[BatchRecord], oldest: str) -> str:
    """Return the generation before which no worker writes any more."""
    now = time.time()
    late = [each.id for each in recent if each.state not in ENDED or now - (each.ended or each.changed) < LATE_S]
    return min([oldest, *late])


def _has_rows(recent: Sequence[BatchRecord], deleted: str, oldest: str) -> bool:
    """Return whether rows that do not expire may be left of generations from `deleted` to `oldest`.

    The records tell: if that of `deleted` has not expired, none of a later batch has.
    """
    if all(each.id != deleted for each in recent):
        return True
    between = [each for each in recent if deleted <= each.id < oldest]
    return any(each.request.table and each.load != "import" and each.predictions_until is None for each in between)
