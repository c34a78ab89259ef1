"""How long the parts of a batch last. The infrastructure, the records and the documents take the numbers from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.batch.table import active_key, utc

if TYPE_CHECKING:
    from modelet.batch.dynamodb import Table
    from modelet.batch.record import BatchRecord

DAY_S = 24 * 3600

RECORD_DAYS = 90
"""Days after which the record of a batch and of its chunks expires, from the batch's beginning."""
FILES_DAYS = 30
"""Days after which a file in the bucket of batches expires, from its own beginning: lists, rejected rows, uploads."""
RESUMABLE_DAYS = 14
"""Days in which a batch that FAILED or was CANCELLED may be resumed, from its end."""
ATTEMPT_DAYS = 2
"""Days that an attempt has at least before the files of the first attempt expire."""
SPARE_DAYS = 1
"""Days for which `make prune` keeps a version longer: for clocks that differ, and for steps that end late."""


def resumable_until(created: float, ended: float) -> float:
    """Return the time until which a batch may be resumed. created, ended: of the batch; all in Unix seconds."""
    return min(ended + RESUMABLE_DAYS * DAY_S, created + (FILES_DAYS - ATTEMPT_DAYS) * DAY_S)


def too_late(table: Table, record: BatchRecord, now: float) -> str | None:
    """Return why a batch that ended cannot be resumed any more; None if it can. now: Unix seconds."""
    until = resumable_until(record.created, record.ended or record.changed)
    if now > until:
        return f"could be resumed until {utc(until)}, after which its files expire"
    if record.predictions_until is not None and record.predictions_until <= now:
        return f"has predictions that expired at {utc(record.predictions_until)}"
    pointer = table.get(active_key(record.model)) if record.request.table else None
    if pointer is not None and pointer["newest"] > record.id:
        return f"cannot become active any more, because batch {pointer['newest']} is newer"
    return None
