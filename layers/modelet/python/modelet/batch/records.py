"""The records of batches in the control table, which is the truth about them.

A chunk that ends is recorded and counted in one transaction, so that a chunk that runs twice counts once.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from modelet.batch.chunk_records import MOST_CHANGES, begin_chunk, count_chunk, leave_chunk, number_of, read_chunks
from modelet.batch.dynamodb import Table, Write
from modelet.batch.errors import ConflictError, UnknownBatchError
from modelet.batch.lifetimes import DAY_S, RECORD_DAYS, too_late
from modelet.batch.listing import newest
from modelet.batch.progress import counted_since, progress_of
from modelet.batch.record import ENDED, BatchPage, BatchRecord, State
from modelet.batch.table import EXPIRES, batch_key, listed_batch_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelet.batch.attributes import Item
    from modelet.batch.progress import Progress
    from modelet.batch.request import BatchRequest

__all__ = ["BatchPage", "BatchRecord", "Batches"]

_ATTEMPT = "#attempt = :attempt"


class Batches:
    """The batches in a control table. client: boto3's client of DynamoDB. clock: Unix seconds.

    All methods raise StoreError (retryable) if DynamoDB does not answer, ServingError if a retry would not help.
    """

    def __init__(self, client: Any, table: str, *, clock: Callable[[], float] = time.time) -> None:
        self._table = Table(client, table)
        self._clock = clock

    def create(
        self,
        model: str,
        id: str,  # noqa: A002 - the field's name
        *,
        version: str | None,
        function: str,
        request: BatchRequest,
        tolerated: float,
        load: str,
        now: float | None = None,
        expires_days: int | None = None,
    ) -> BatchRecord:
        """Create a batch, in the state PLANNING. expires_days: after which its predictions expire; None for never.

        Raises ConflictError if there is a batch with its id.
        """
        at = self._clock() if now is None else now
        kept = int(at) + RECORD_DAYS * DAY_S
        until = None if expires_days is None else int(at) + expires_days * DAY_S
        record = BatchRecord(
            model,
            id,
            version,
            function,
            request,
            tolerated,
            load,
            "PLANNING",
            1,
            at,
            at,
            kept,
            predictions_until=until if request.table else None,
        )
        listed = {**listed_batch_key(model, id), "created": at, EXPIRES: record.expires_at}
        absent = "attribute_not_exists(#pk)"
        writes = [
            Write({**batch_key(model, id), **record.to_item()}, condition=absent),
            Write(listed, condition=absent),
        ]
        if not self._table.transact(writes).is_done:
            raise ConflictError(f"there is a batch {id} of {model}: start it with a new id")
        return record

    def get(self, model: str, id: str) -> BatchRecord:  # noqa: A002 - the field's name
        """Return a batch. Raises UnknownBatchError if there is none, or if it expired."""
        item = self._table.get(batch_key(model, id))
        if item is None or item[EXPIRES] <= self._clock():
            raise UnknownBatchError(f"model {model} has no batch {id}: `modelet batch list {model}` shows those it has")
        return BatchRecord.from_item(item)

    def list(self, model: str, *, limit: int = 20, after: str | None = None) -> BatchPage:
        """Return at most `limit` batches of a model, newest first. after: the `next` of the page before."""
        ids, more = newest(self._table, model, "batch", limit=limit, after=after, now=self._clock())
        found = {item["id"]: item for item in self._table.get_many([batch_key(model, each) for each in ids])}
        return BatchPage([BatchRecord.from_item(found[each]) for each in ids if each in found], more)

    def plan_done(
        self,
        record: BatchRecord,
        attempt: int,
        chunks: int,
        rows: int | None,
        load: str,
        *,
        version: str | None = None,
        load_reason: str | None = None,
    ) -> BatchRecord | None:
        """Set a planned batch to RUNNING. chunks, rows: of the whole batch, in every attempt. version: the model's.

        Returns the record; None if the batch was cancelled, or if this is not its attempt any more.
        """
        fields = {"chunks": chunks, "rows_planned": rows, "load": load, "version": version, "started": self._clock()}
        fields["load_reason"] = load_reason
        return self._change(record._replace(attempt=attempt), ("PLANNING",), "RUNNING", fields)

    def set_state(
        self,
        record: BatchRecord,
        from_states: Sequence[State],
        to_state: State,
        problem: dict[str, Any] | None = None,
    ) -> BatchRecord | None:
        """Change the state, if it is one of `from_states` and the attempt is the record's. problem: as in RFC 9457.

        Returns the record as it is then, also if it was in the new state before; None if it is in another state, or in
        a later attempt. Raises ConflictError if a batch is to be DONE while chunks are missing.
        """
        fields: Item = {"problem": json.dumps(problem)} if problem else {}
        if to_state in ENDED:
            fields["ended"] = self._clock()
        return self._change(record, from_states, to_state, fields)

    def set_repeated(self, record: BatchRecord, count: int) -> None:
        """Record that all keys are checked, and how many rows have a key that a later row has too."""
        self._set(record, "SET #repeated = :repeated, #checked = :checked", {"repeated": count, "checked": True})

    def set_rewritten(self, record: BatchRecord, count: int) -> None:
        """Record how many of the rows that win this attempt has written once more."""
        self._set(record, "SET #rewritten = :rewritten", {"rewritten": count})

    def set_import(self, record: BatchRecord, arn: str) -> None:
        """Record which import of DynamoDB loads this attempt."""
        self._set(record, "SET #import_arn = :import_arn", {"import_arn": arn})

    def set_notified(self, record: BatchRecord) -> None:
        """Record that the end of this attempt was announced."""
        self._set(record, "SET #notified = :notified", {"notified": True})

    def set_published(self, record: BatchRecord) -> None:
        """Record that the stage's topic has the end of this attempt, before the author's method is called."""
        self._set(record, "SET #published = :published", {"published": True})

    def should_stop(self, record: BatchRecord) -> str | None:
        """Return why a chunk need not begin: the batch has ended, or too many rows were rejected; None if it should.

        record: read just now. The first call that finds too many rejected rows writes the reason into the record.
        """
        if record.state not in {"PLANNING", "RUNNING"}:
            return f"the batch is {record.state}"
        reason = record.stopped or record.rejection()
        if reason and not record.stopped:
            self._set(record, "SET #stopped = if_not_exists(#stopped, :stopped)", {"stopped": reason})
        return reason

    def begin_chunk(self, record: BatchRecord) -> bool:
        """Count a run of a chunk that begins. Returns False if it is not wanted any more."""
        return begin_chunk(self._table, record)

    def leave_chunk(self, record: BatchRecord) -> None:
        """Record that a run of a chunk has ended, and is not the one that counts as done."""
        leave_chunk(self._table, record)

    def chunk_done(
        self, record: BatchRecord, number: int, attempt: int, *, rows: int, failed: int, seconds: float
    ) -> bool:
        """Record and count a chunk that is done. rows: with a prediction. failed: rejected rows. seconds: it took.

        Returns False if it was counted before; whichever attempt was first counts. Raises UnknownBatchError if
        the batch is gone.
        """
        chunk = {"state": "DONE", "rows": rows, "failed": failed, "seconds": seconds, "at": self._clock()}
        counts = {"chunks_done": 1, "rows_done": rows, "rows_failed": failed, "busy_s": round(seconds, 3)}
        return count_chunk(self._table, record, number, attempt, chunk, counts)

    def chunk_failed(self, record: BatchRecord, number: int, attempt: int, problem: dict[str, Any]) -> bool:
        """Record and count a chunk that failed; a chunk that is done stays done. problem: an RFC 9457 problem.

        Returns False if nothing changed. A chunk that failed in an earlier attempt is one failed chunk, with the newer
        problem. Raises UnknownBatchError if the batch is gone.
        """
        chunk = {"state": "FAILED", "problem": json.dumps(problem), "at": self._clock()}
        return count_chunk(self._table, record, number, attempt, chunk, {"chunks_failed": 1})

    def done_numbers(self, record: BatchRecord) -> set[int]:
        """Return the numbers of the chunks that are done."""
        return {number_of(chunk) for chunk in read_chunks(self._table, record, "#state = :done", {"done": "DONE"})}

    def progress(self, record: BatchRecord) -> Progress:
        """Return the progress of a batch. record: read just now; a chunk of the last second may be missing."""
        now = self._clock()
        values = {"failed": "FAILED", "since": counted_since(record, now)}
        chunks = read_chunks(self._table, record, "#state = :failed OR #at > :since", values, consistent=False)
        return progress_of(record, chunks, now)

    def cancel(self, model: str, id: str) -> BatchRecord:  # noqa: A002 - the field's name
        """Cancel a batch that is planned or running; cancelling twice is no error. Workers stop in seconds.

        Raises UnknownBatchError, and ConflictError if the batch has ended, or if its predictions are being loaded.
        """
        for _ in range(MOST_CHANGES):  # it may be resumed after it was read
            record = self.get(model, id)
            if (cancelled := self.set_state(record, ("PLANNING", "RUNNING"), "CANCELLED")) is not None:
                return cancelled
            if record.state not in {"PLANNING", "RUNNING", "CANCELLED"}:
                break
        if record.state in ENDED:
            raise ConflictError(f"batch {id} is {record.state}: there is nothing to cancel")
        raise ConflictError(f"batch {id} is {record.state}, too late to cancel: wait for its end, then roll it back")

    def resume(self, model: str, id: str, *, tolerated: float | None = None) -> BatchRecord:  # noqa: A002
        """Begin the next attempt of a batch that FAILED or was CANCELLED; only chunks that are not done run again.

        tolerated: a new share of rows that may be rejected; None keeps it. Counters stay: a failed chunk counts as
        failed until it is done. Raises UnknownBatchError, and ConflictError if the batch is running or DONE, if it
        would stop at once because too many of its rows are rejected, if its time to be resumed is over, or if its
        predictions could not become active any more.
        """
        record = self.get(model, id)
        if record.state == "DONE":
            raise ConflictError(f"batch {id} is DONE, with all of its chunks: start a new batch to score it again")
        if record.state not in ENDED:
            raise ConflictError(f"batch {id} is {record.state}: wait for its end, or cancel it before you resume it")
        share = record.tolerated if tolerated is None else tolerated
        rejection = record._replace(tolerated=share).rejection()
        if rejection:
            raise ConflictError(f"batch {id} would stop at once: {rejection}")
        if late := too_late(self._table, record, self._clock()):
            raise ConflictError(f"batch {id} {late}: start a new batch")
        mark = uuid.uuid4().hex
        outcome = self._table.write(
            Write(
                key=batch_key(model, id),
                update="SET #state = :planning, #attempt = :next, #changed = :now, #tolerated = :share, #mark = :mark "
                "REMOVE #problem, #stopped, #started, #ended, #notified, #published, #import_arn, "
                "#rewritten",
                condition=f"{_ATTEMPT} AND #state = :was",
                values={
                    "attempt": record.attempt,
                    "next": record.attempt + 1,
                    "planning": "PLANNING",
                    "was": record.state,
                    "now": self._clock(),
                    "share": share,
                    "mark": mark,
                },
            )
        )
        item = outcome.items[0]
        if item is None:
            raise UnknownBatchError(f"batch {id} of {model} expired meanwhile: start a new batch")
        if not outcome.is_done and item.get("mark") != mark:
            raise ConflictError(f"batch {id} was resumed meanwhile, by another call: look at its status")
        return BatchRecord.from_item(item)

    def _change(
        self, record: BatchRecord, from_states: Sequence[State], to_state: State, fields: Item
    ) -> BatchRecord | None:
        names = {f"from{place}": state for place, state in enumerate(from_states)}
        condition = f"{_ATTEMPT} AND #state IN ({', '.join(f':{name}' for name in names)})"
        if to_state == "DONE":
            condition += " AND #chunks_done = #chunks AND #chunks_failed = :zero"
        given = {name: value for name, value in fields.items() if value is not None}
        settings = {"state": to_state, "changed": self._clock(), **given}
        outcome = self._table.write(
            Write(
                key=batch_key(record.model, record.id),
                update="SET " + ", ".join(f"#{name} = :{name}" for name in settings),
                condition=condition,
                values={**names, **settings, "attempt": record.attempt, "zero": 0},
            )
        )
        found = BatchRecord.from_item(outcome.items[0]) if outcome.items[0] else None
        if outcome.is_done or found is None or found.attempt != record.attempt:
            return found if outcome.is_done else None
        if to_state == "DONE" and found.state in from_states:
            raise ConflictError(
                f"batch {record.id} is not done: {found.chunks_done} of {found.chunks} chunks are done, "
                f"{found.chunks_failed} failed"
            )
        return found if found.state == to_state else None

    def _set(self, record: BatchRecord, update: str, values: Item) -> None:
        """Update a record, unless a later attempt has begun."""
        key, values = batch_key(record.model, record.id), {**values, "attempt": record.attempt}
        self._table.write(Write(key=key, update=update, condition=_ATTEMPT, values=values))
