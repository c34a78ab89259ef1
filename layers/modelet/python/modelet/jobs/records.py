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
from modelet.batch.errors import ConflictError, LostJobError, UnknownJobError
from modelet.batch.listing import newest
from modelet.batch.table import EXPIRES, job_key, listed_job_key
from modelet.errors import TooLargeError
from modelet.jobs.name import job_name
from modelet.jobs.record import ENDED, Claim, JobPage, JobRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelet.batch.attributes import Item

KEPT_S = 7 * 24 * 3600
"""Seconds after which a job expires, if the model says nothing else."""
ATTEMPTS = 3
"""How often a job is tried, if the model says nothing else."""
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
        partial: bool = False,
        kept_s: float = KEPT_S,
    ) -> JobRecord:
        """Create a job, in the state queued. Either body or url: where the body is. The rest: as in JobRecord.

        Raises ConflictError if there is one with its id, TooLargeError for a body above 200,000 bytes.
        """
        if body is not None and len(body) > MOST_BODY_BYTES:
            raise TooLargeError(
                f"the body has {len(body)} bytes, above {MOST_BODY_BYTES}: put it into S3 and give its url"
            )
        now = self._clock()
        expires = int(now + kept_s)
        record = JobRecord(model, id, version, "queued", now, now, expires, media_type, accept, body, url, partial)
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

    def claim(
        self,
        model: str,
        id: str,  # noqa: A002 - the field's name
        request_id: str,
        until: float,
        *,
        attempt: int = 1,
        most: int = ATTEMPTS,
    ) -> Claim:
        """Claim a job that is queued, or that is running under a claim that expired, if it has attempts left.

        request_id: of the invocation, for people who read the record. until: Unix seconds at which the claim expires,
        some seconds after the worker's timeout. attempt: how often the message was delivered. most: how often a job is
        tried; one that has been is set to failed.
        """
        now = self._clock()
        holder = f"{request_id}#{uuid.uuid4().hex}"
        outcome = self._table.write(
            Write(
                key=job_key(model, id),
                update="SET #state = :running, #holder = :holder, #claimed_until = :until, #changed = :now, "
                "#started = if_not_exists(#started, :now), #attempts = :attempt",
                condition=f"#{EXPIRES} > :now AND (attribute_not_exists(#attempts) OR #attempts < :most) "
                "AND (#state = :queued OR (#state = :running AND #claimed_until < :now))",
                values={
                    "queued": "queued",
                    "running": "running",
                    "holder": holder,
                    "until": until,
                    "now": now,
                    "attempt": attempt,
                    "most": most,
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
        if job.state == "running" and not job.is_stalled(now):
            return Claim("running", job)
        if job.state not in ENDED:
            released = job.problem if job.state == "queued" else None
            job = self.give_up(job, released or LostJobError(model, job.attempts).problem())
        return Claim("spent" if job.state == "failed" and job.attempts >= most else "ended", job)

    def settled(self, job: JobRecord, most: int) -> JobRecord:
        """Return a job; correct its state if its worker ended without an answer. most: how often a job is tried.

        With attempts left, it waits for its next one: queued. Else it is set to failed.
        """
        if not job.is_stalled(self._clock()):
            return job
        if job.attempts < most:
            return job._replace(state="queued")
        return self.give_up(job, LostJobError(job.model, job.attempts).problem())

    def give_up(self, job: JobRecord, problem: dict[str, Any]) -> JobRecord:
        """Set a job that no worker has to failed, unless it changed since it was read; return it as it is then."""
        now = self._clock()
        settings = {"state": "failed", "problem": json.dumps(problem), "changed": now, "ended": now}
        outcome = self._table.write(
            Write(
                key=job_key(job.model, job.id),
                update=_set(settings, ("claimed_until",)),
                condition="#state = :was AND #changed = :read",
                values={**settings, "was": job.state, "read": job.changed},
            )
        )
        item = outcome.items[0]
        return job if item is None else JobRecord.from_item(item)

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
        """Set a job that failed, or whose worker ended without an answer, back to queued; then send its message again.

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
            raise ConflictError(f"job {job_name(model, id)} is {job.state}, so it cannot become {to}")
        return job

    def _end(self, job: JobRecord, to: str, fields: Item, removed: Sequence[str]) -> bool:
        """Leave the state running, if the job's claim still holds. removed: names of attributes."""
        now = self._clock()
        settings: Item = {"state": to, "changed": now, **fields, **({"ended": now} if to in ENDED else {})}
        outcome = self._table.write(
            Write(
                key=job_key(job.model, job.id),
                update=_set(settings, removed),
                condition=_HELD,
                values={**settings, "running": "running", "holder": job.holder},
            )
        )
        found = outcome.items[0]
        # After a lost answer the condition refuses what is written already.
        return outcome.is_done or (
            found is not None and found.get("holder") == job.holder and found["state"] == to and found["changed"] == now
        )


def _set(settings: Item, removed: Sequence[str]) -> str:
    """Return an update that sets attributes to the values of their names, and removes others."""
    return f"SET {', '.join(f'#{name} = :{name}' for name in settings)} REMOVE {_named(removed)}"


def _named(attributes: Sequence[str]) -> str:
    return ", ".join(f"#{name}" for name in attributes)
