"""The records of jobs in the control table, which is the truth about them.

A queue delivers a message at least once; a conditional claim makes sure that the job runs once at a time, and that only
the worker which holds the claim ends it.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from modelet.batch.dynamodb import Table, Write
from modelet.batch.errors import ConflictError, UnknownJobError
from modelet.batch.listing import newest
from modelet.batch.table import EXPIRES, job_key, listed_job_key
from modelet.errors import TooLargeError
from modelet.jobs.record import ENDED, Claim, JobPage, JobRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelet.batch.attributes import Item

KEPT_S = 7 * 24 * 3600
"""Seconds after which a job expires, if the model says nothing else."""
MOST_BODY_BYTES = 200_000
"""The largest body inside a record; DynamoDB allows 409,600 bytes in all."""
MOST_RESULT_BYTES = 300_000
"""The largest result inside a record, from which the body is removed then."""

__all__ = ["Claim", "JobPage", "JobRecord", "Jobs"]

_HELD = "#state = :running AND #holder = :holder"


class Jobs:
    """The jobs in a control table. client: boto3's client of DynamoDB. clock: Unix seconds.

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
        body: bytes | None = None,
        url: str | None = None,
        media_type: str = "application/json",
        accept: str | None = None,
        kept_s: float = KEPT_S,
    ) -> JobRecord:
        """Create a job, in the state queued. Either body or url: where the body is.

        Raises ConflictError if there is one with its id, TooLargeError for a body above 200,000 bytes.
        """
        if body is not None and len(body) > MOST_BODY_BYTES:
            raise TooLargeError(
                f"the body has {len(body)} bytes, above {MOST_BODY_BYTES}: put it into S3 and give its url"
            )
        now = self._clock()
        record = JobRecord(
            model, id, version, "queued", now, now, int(now + kept_s), media_type, accept, body=body, url=url
        )
        listed = {**listed_job_key(model, id), "created": now, EXPIRES: record.expires_at}
        absent = "attribute_not_exists(#pk)"
        writes = [Write({**job_key(model, id), **record.to_item()}, condition=absent), Write(listed, condition=absent)]
        if not self._table.transact(writes).is_done:
            raise ConflictError(f"there is a job {id} of {model}: create it with a new id")
        return record

    def get(self, model: str, id: str) -> JobRecord:  # noqa: A002 - the field's name
        """Return a job. Raises UnknownJobError if there is none, or if it expired."""
        item = self._table.get(job_key(model, id))
        if item is None or item[EXPIRES] <= self._clock():
            raise UnknownJobError(f"model {model} has no job {id}: it never had, or the job expired")
        return JobRecord.from_item(item)

    def list(self, model: str, *, limit: int = 20, after: str | None = None) -> JobPage:
        """Return at most `limit` jobs of a model, newest first, without bodies and results. after: as `next` before."""
        ids, more = newest(self._table, model, "job", limit=limit, after=after, now=self._clock())
        items = self._table.get_many([job_key(model, each) for each in ids], without=("body", "result"))
        found = {item["id"]: item for item in items}
        return JobPage([JobRecord.from_item(found[each]) for each in ids if each in found], more)

    def claim(self, model: str, id: str, request_id: str, until: float) -> Claim:  # noqa: A002 - the field's name
        """Claim a job that is queued, or that is running under a claim that expired.

        request_id: of the invocation, for people who read the record. until: Unix seconds at which the claim expires,
        some seconds after the worker's timeout. Each claim counts as an attempt.
        """
        now = self._clock()
        holder = f"{request_id}#{uuid.uuid4().hex}"
        outcome = self._table.write(
            Write(
                key=job_key(model, id),
                update="SET #state = :running, #holder = :holder, #claimed_until = :until, #changed = :now, "
                "#started = if_not_exists(#started, :now) ADD #attempts :one",
                condition=f"#{EXPIRES} > :now AND (#state = :queued OR (#state = :running AND #claimed_until < :now))",
                values={
                    "queued": "queued",
                    "running": "running",
                    "holder": holder,
                    "until": until,
                    "now": now,
                    "one": 1,
                },
            )
        )
        item = outcome.items[0]
        if item is None or item[EXPIRES] <= now:
            return Claim("ended", None)
        job = JobRecord.from_item(item)
        # After a lost answer the condition refuses a claim that is written already.
        if outcome.is_done or job.holder == holder:
            return Claim("claimed", job)
        return Claim("ended" if job.state in ENDED else "running", job)

    def finish(
        self,
        job: JobRecord,
        *,
        status: int = 200,
        media_type: str = "application/json",
        result: bytes | None = None,
        url: str | None = None,
    ) -> bool:
        """End a claimed job as done. Either result or url: where the result is. The body is removed.

        Returns False, and drops the result, if the job was cancelled or is no longer held by this claim. Raises
        TooLargeError for a result above 300,000 bytes.
        """
        if result is not None and len(result) > MOST_RESULT_BYTES:
            raise TooLargeError(
                f"the result has {len(result)} bytes, above {MOST_RESULT_BYTES}: put it into S3 and give its url"
            )
        answer = {"status": status, "result_type": media_type, "result": result, "result_url": url}
        return self._end(
            job, "done", {name: value for name, value in answer.items() if value is not None}, ("body", "problem")
        )

    def fail(self, job: JobRecord, problem: dict[str, Any]) -> bool:
        """End a claimed job as failed; its body stays, for a redrive. problem: as in RFC 9457. Returns as `finish`."""
        return self._end(job, "failed", {"problem": json.dumps(problem)}, ("claimed_until",))

    def release(self, job: JobRecord, problem: dict[str, Any]) -> bool:
        """Give a claimed job back to the queue after an error that may pass; its next message runs it."""
        return self._end(job, "queued", {"problem": json.dumps(problem)}, ("claimed_until",))

    def cancel(self, model: str, id: str) -> JobRecord:  # noqa: A002 - the field's name
        """Cancel a job: a queued one does not run, the result of a running one is dropped; twice is no error.

        Raises UnknownJobError, and ConflictError if it is done or failed.
        """
        return self._move(model, id, "cancelled", "#state IN (:queued, :running)", ("body", "claimed_until"))

    def requeue(self, model: str, id: str) -> JobRecord:  # noqa: A002 - the field's name
        """Set a job that failed, or whose worker ended without a word, back to queued; then send its message again.

        Its attempts count from 0. A job that is queued stays so. Raises UnknownJobError, and ConflictError if it is
        running, done or cancelled.
        """
        failed = "(#state = :failed OR (#state = :running AND #claimed_until < :now))"
        return self._move(model, id, "queued", failed, ("attempts", "claimed_until", "ended"))

    def _move(self, model: str, id: str, to: str, condition: str, removed: Sequence[str]) -> JobRecord:  # noqa: A002
        now = self._clock()
        states = {"queued": "queued", "running": "running", "failed": "failed", "to": to}
        ended = ", #ended = :now" if to in ENDED else ""
        outcome = self._table.write(
            Write(
                key=job_key(model, id),
                update=f"SET #state = :to, #changed = :now{ended} REMOVE {_named(removed)}",
                condition=f"#{EXPIRES} > :now AND {condition}",
                values={**states, "now": now},
            )
        )
        item = outcome.items[0]
        if item is None or item[EXPIRES] <= now:
            raise UnknownJobError(f"model {model} has no job {id}: it never had, or the job expired")
        job = JobRecord.from_item(item)
        if not outcome.is_done and job.state != to:
            raise ConflictError(f"job {id} is {job.state}, so it cannot become {to}")
        return job

    def _end(self, job: JobRecord, to: str, fields: Item, removed: Sequence[str]) -> bool:
        """Leave the state running, if the job's claim still holds. removed: names of attributes."""
        now = self._clock()
        settings: Item = {"state": to, "changed": now, **fields, **({"ended": now} if to in ENDED else {})}
        outcome = self._table.write(
            Write(
                key=job_key(job.model, job.id),
                update="SET " + ", ".join(f"#{name} = :{name}" for name in settings) + f" REMOVE {_named(removed)}",
                condition=_HELD,
                values={**settings, "running": "running", "holder": job.holder},
            )
        )
        found = outcome.items[0]
        # After a lost answer the condition refuses what is written already.
        return outcome.is_done or (
            found is not None and found.get("holder") == job.holder and found["state"] == to and found["changed"] == now
        )


def _named(attributes: Sequence[str]) -> str:
    return ", ".join(f"#{name}" for name in attributes)
