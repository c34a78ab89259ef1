"""The record of a job: one asynchronous request, its state, and its result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from modelet.batch.attributes import Item

State = Literal["queued", "running", "done", "failed", "cancelled"]

ENDED: tuple[State, ...] = ("done", "failed", "cancelled")
"""The states of a job that no message runs again."""


class JobRecord(NamedTuple):
    """A job as the control table has it. Times are Unix seconds.

    version: the version of the model that was served when it was created; None if that was not known. media_type,
    accept: of the request. body: the request's body if it is inline; url: the object that has it. partial: whether a
    bad row leaves the others their predictions. attempts: how often its message had been delivered when a worker began
    it last. holder, claimed_until: the claim of the worker that runs it. started: of the first attempt. ended: when it
    was done, failed or cancelled. status, result_type, result, result_url: the answer, inline or as an object. problem:
    of the last attempt that failed, as in RFC 9457. body and result are None in lists.
    """

    model: str
    id: str
    version: str | None
    state: State
    created: float
    changed: float
    expires_at: int
    media_type: str = "application/json"
    accept: str | None = None
    body: bytes | None = None
    url: str | None = None
    partial: bool = False
    attempts: int = 0
    holder: str | None = None
    claimed_until: float | None = None
    started: float | None = None
    ended: float | None = None
    status: int | None = None
    result_type: str | None = None
    result: bytes | None = None
    result_url: str | None = None
    problem: dict[str, Any] | None = None

    def is_stalled(self, now: float) -> bool:
        """Return whether its worker has ended without an answer: it is running, and its claim has expired."""
        return self.state == "running" and (self.claimed_until or 0.0) < now

    def to_item(self) -> Item:
        """Return the members of the record's item, without its key."""
        return {**self._asdict(), "problem": self.problem and json.dumps(self.problem)}

    @classmethod
    def from_item(cls, item: Item) -> JobRecord:
        """Read a record from its item; members of the item that no field names are ignored."""
        problem = item.get("problem")
        members = {"version": None, **{name: item[name] for name in cls._fields if name in item}}
        floats = {name: float(item[name]) for name in _FLOATS if item.get(name) is not None}
        return cls(**{**members, **floats, "problem": json.loads(problem) if problem else None})


class Claim(NamedTuple):
    """The answer to a claim.

    state: `claimed`: run the job and end it with this record; `running`: another worker does, so leave the message in
    the queue; `spent`: it failed at its last attempt, so leave the message to the dead-letter queue; `ended`: it is
    done, failed, cancelled, unknown or expired, so drop the message.
    """

    state: Literal["claimed", "running", "spent", "ended"]
    job: JobRecord | None


class JobPage(NamedTuple):
    """A page of jobs, newest first. next: the id after which the next page begins; None on the last one."""

    records: list[JobRecord]
    next: str | None


_FLOATS = ("created", "changed", "claimed_until", "started", "ended")
