"""The record of a batch: its request, its state, and the counters that its chunks add to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from modelet.batch.request import BatchRequest

if TYPE_CHECKING:
    from modelet.batch.attributes import Item

State = Literal["PLANNING", "RUNNING", "LOADING", "FINISHING", "DONE", "FAILED", "CANCELLED"]

ACTIVE: tuple[State, ...] = ("PLANNING", "RUNNING", "LOADING", "FINISHING")
"""The states of a batch that still does something."""
LOADING: tuple[State, ...] = ("FINISHING", "LOADING")
"""The states after all chunks, in which the predictions become visible."""
ENDED: tuple[State, ...] = ("DONE", "FAILED", "CANCELLED")
"""The states that only a resume leaves; DONE is for ever."""

LEAST_ROWS_JUDGED = 1_000
"""Rows before which a share of rejected rows says little; a batch that has no more rows is judged by what it has."""


class BatchRecord(NamedTuple):
    """A batch as the control table has it. Times are Unix seconds.

    version: the model's; None if it is not known before the batch is planned. function: the ARN of the worker's
    version that scores all chunks. tolerated: the share of rows that may be rejected. load: how the table is written.
    load_reason: why so, with the prices; None before the plan, or without a table. attempt: 1, and one more for each
    resume. created, changed: when the batch and its state were written. started, ended: of the attempt; None before.
    chunks, rows_planned: of the whole batch; None before the plan, or if only reading tells. chunks_done,
    chunks_failed: the chunks in that state now. rows_done, rows_failed: the rows of done chunks that have a prediction,
    and those that were rejected. busy_s: the seconds that workers spent in done chunks.
    repeated: rows whose key a later row has too; known when `checked`. rewritten: rows that win, of keys that repeat,
    which this attempt has written once more. begun: runs of chunks that began, in all attempts, without those that are
    known to have ended and do not count as done. problem: why it failed. stopped: why it ends early. notified: whether
    its end was announced. published: whether the stage's topic has its end, which is the first part of that.
    import_arn: DynamoDB's import of this attempt; None before it begins. predictions_until: when the predictions
    expire, the same in all attempts; None for never. expires_at: when the record itself expires.
    """

    model: str
    id: str
    version: str | None
    function: str
    request: BatchRequest
    tolerated: float
    load: str
    state: State
    attempt: int
    created: float
    changed: float
    expires_at: int
    started: float | None = None
    ended: float | None = None
    chunks: int | None = None
    rows_planned: int | None = None
    chunks_done: int = 0
    chunks_failed: int = 0
    rows_done: int = 0
    rows_failed: int = 0
    busy_s: float = 0.0
    repeated: int = 0
    checked: bool = False
    rewritten: int = 0
    begun: int = 0
    problem: dict[str, Any] | None = None
    stopped: str | None = None
    notified: bool = False
    published: bool = False
    import_arn: str | None = None
    predictions_until: int | None = None
    load_reason: str | None = None

    @property
    def rows(self) -> int:
        """The rows that were read so far."""
        return self.rows_done + self.rows_failed

    def rejection(self) -> str | None:
        """Return the sentence that says that more rows are rejected than tolerated; None if that is not so.

        It is judged after 1,000 rows, or when no chunk is left.
        """
        is_whole = self.chunks is not None and self.chunks_done + self.chunks_failed >= self.chunks
        if not self.rows or not (is_whole or self.rows >= LEAST_ROWS_JUDGED):
            return None
        if self.rows_failed / self.rows <= self.tolerated:
            return None
        return (
            f"{self.rows_failed:,} of {self.rows:,} rows were rejected, a share of {self.tolerated:g} is tolerated: "
            "look at the rejected rows and correct the input, or resume with a higher `tolerated`"
        )

    def to_item(self) -> Item:
        """Return the members of the record's item, without its key."""
        texts = {"request": json.dumps(self.request.to_json()), "problem": self.problem and json.dumps(self.problem)}
        return {**self._asdict(), **texts}

    @classmethod
    def from_item(cls, item: Item) -> BatchRecord:
        """Read a record from its item; members of the item that no field names are ignored."""
        problem = item.get("problem")
        return cls(
            **{"version": None}
            | {name: item[name] for name in cls._fields if name in item}
            | {
                "request": BatchRequest.from_json(json.loads(item["request"])),
                "problem": json.loads(problem) if problem else None,
                **{name: float(item[name]) for name in _FLOATS if item.get(name) is not None},
            }
        )


class BatchPage(NamedTuple):
    """A page of batches, newest first. next: the id after which the next page begins; None on the last one."""

    records: list[BatchRecord]
    next: str | None


_FLOATS = ("tolerated", "created", "changed", "started", "ended", "busy_s")
