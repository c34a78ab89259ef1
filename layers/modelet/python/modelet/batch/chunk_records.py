"""The records of a batch's chunks, each written in one transaction with the counters of the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.batch.dynamodb import Write
from modelet.batch.errors import UnknownBatchError
from modelet.batch.table import EXPIRES, batch_key, chunk_key
from modelet.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelet.batch.attributes import Item
    from modelet.batch.dynamodb import Table
    from modelet.batch.record import BatchRecord

MOST_CHANGES = 5
"""How often a chunk's record may change while one end of it is being recorded."""


def number_of(chunk: Item) -> int:
    """Return the number of a chunk by its record."""
    return int(chunk["sk"].rpartition("#")[2])


def read_chunks(
    table: Table, record: BatchRecord, only: str, values: Item, *, consistent: bool = True
) -> Iterator[Item]:
    """Yield the chunks' records that a filter lets pass, in the order of their numbers.

    consistent: whether those that were written just now are surely among them, for twice the price.
    """
    keys = {"partition": batch_key(record.model, record.id)["pk"], "prefix": "chunk#"}
    condition = "#pk = :partition AND begins_with(#sk, :prefix)"
    return table.query(condition, {**values, **keys}, only=only, consistent=consistent)


def count_chunk(
    table: Table, record: BatchRecord, number: int, attempt: int, chunk: Item, counts: Mapping[str, float]
) -> bool:
    """Write a chunk's record and add `counts` to the batch's counters. chunk: its state and facts.

    A chunk that is done stays so; one that failed is replaced by one that is done, or by a failure of a later attempt,
    and then no longer counts as the failure that it was. Returns whether anything was written. Raises UnknownBatchError
    if the batch is gone.
    """
    item = {**chunk_key(record.model, record.id, number), **chunk, "attempt": attempt, EXPIRES: record.expires_at}
    was: Item | None = None
    for _ in range(MOST_CHANGES):
        outcome = table.transact([_chunk_write(item, was), _counters_write(record, counts, was)])
        if outcome.is_done:
            return True
        if 1 in outcome.refused:
            raise UnknownBatchError(f"batch {record.id} of {record.model} is gone: its chunk {number} is not counted")
        was = outcome.items[0]
        if was is not None and (was["state"] == "DONE" or (chunk["state"] == "FAILED" and was["attempt"] >= attempt)):
            return False
    raise StoreError(f"chunk {number} of batch {record.id} changed {MOST_CHANGES} times while it was recorded")


def begin_chunk(table: Table, record: BatchRecord) -> bool:
    """Count a run of a chunk that begins. Returns False if the batch is not running any more, or in a later attempt."""
    write = Write(
        key=batch_key(record.model, record.id),
        update="ADD #begun :one",
        condition="#attempt = :attempt AND #state IN (:planning, :running)",
        values={"one": 1, "attempt": record.attempt, "planning": "PLANNING", "running": "RUNNING"},
    )
    return table.write(write).is_done


def leave_chunk(table: Table, record: BatchRecord) -> None:
    """Take back that a run of a chunk began: it has ended, and is not the one that counts as done.

    A transaction is not done twice after a lost answer, so that the count is never too low.
    """
    table.transact([_counters_write(record, {"begun": -1}, None)])


def _chunk_write(item: Item, was: Item | None) -> Write:
    """Return the write of a chunk's record in place of the one that was read, a failed one; None: there was none."""
    if was is None:
        return Write(item, condition="attribute_not_exists(#pk)")
    return Write(
        item,
        condition="#state = :failed AND #attempt = :was",
        values={"failed": "FAILED", "was": was["attempt"]},
    )


def _counters_write(record: BatchRecord, counts: Mapping[str, float], was: Item | None) -> Write:
    """Return the write of the counters. The batch must exist: adding would make a new, empty one."""
    if was is not None:
        counts = {**counts, "chunks_failed": counts.get("chunks_failed", 0) - 1}
    return Write(
        key=batch_key(record.model, record.id),
        update="ADD " + ", ".join(f"#{name} :{name}" for name in counts),
        condition="attribute_exists(#pk)",
        values=counts,
    )
