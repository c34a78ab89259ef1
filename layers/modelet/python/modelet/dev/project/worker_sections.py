"""The sections of model.yaml for batches and jobs, and for the worker that does them."""

from __future__ import annotations

import re
from datetime import date
from fnmatch import fnmatchcase
from itertools import islice, pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from modelet.batch.concurrency import JOBS, WORKERS
from modelet.batch.request import BatchRequest
from modelet.dev.project.cron import read_cron
from modelet.dev.project.messages import quoted
from modelet.dev.project.sections import Section, Zone
from modelet.errors import ContractError

CRON, RATE = re.compile(r"cron\((.*)\)"), re.compile(r"rate\(([1-9][0-9]{0,5}) (minute|hour|day)s?\)")
DATES = 1_500
"""Dates of a cron expression that are looked at: some years of a daily one."""
PLACE = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^\[\]{}$\s][^\[\]{}$]*")
"""Objects in S3: a bucket, and a key with the wildcards `*` and `?`, which mean the same in a permission."""


def _schedule(text: str) -> str:
    if cron := CRON.fullmatch(text):
        read_cron(cron[1])
    elif not RATE.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a schedule: give cron(0 3 * * ? *), or rate(1 day)")
    return text


def _longest_pause(schedule: str | None) -> float | None:
    """Return the most days between two starts; None without a schedule, and if it starts once."""
    if schedule is None:
        return None
    if rate := RATE.fullmatch(schedule):
        return int(rate[1]) / {"minute": 24 * 60, "hour": 24, "day": 1}[rate[2]]
    cron = CRON.fullmatch(schedule)
    dates = [date(*each) for each in islice(read_cron(cron[1]).dates(), DATES)] if cron else []
    return max(((later - earlier).days for earlier, later in pairwise(dates)), default=None)


def _place(text: str) -> str:
    if not PLACE.fullmatch(text):
        raise ValueError(f"{quoted(text)} names no objects: give s3://bucket/prefix/*")
    return text


def _request(document: dict[str, Any]) -> dict[str, Any]:
    try:
        BatchRequest.from_json(document)
    except ContractError as invalid:
        first = invalid.violations[0]
        raise ValueError(f"{first.field}: {first.message}" if first.field else first.message) from None
    return document


def _is_within(url: str, places: list[str]) -> bool:
    return any(fnmatchcase(url, place) for place in places)


Place = Annotated[
    str, AfterValidator(_place), WithJsonSchema({"type": "string", "pattern": r"^s3://[^/]+/[^\[\]{}$\s].*$"})
]
ScheduleText = Annotated[
    str, AfterValidator(_schedule), WithJsonSchema({"type": "string", "pattern": r"^(cron|rate)\(.+\)$"})
]
Request = Annotated[dict[str, Any], AfterValidator(_request)]


class Batch(Section):
    """Batches of this model: many rows scored by workers, into a table of predictions or into S3."""

    inputs: list[Place] = Field(
        default=[], description="What workers may read, such as s3://bucket/prefix/*, besides uploaded files."
    )
    results: list[Place] = Field(
        default=[], description="Where workers may write result files, such as s3://bucket/prefix/*."
    )
    load: Literal["auto", "write", "import"] = Field(
        default="auto",
        description="How the table is loaded. write: row by row; import: by DynamoDB's import into a new table, "
        "for many millions of rows; auto: by the number of rows.",
    )
    duplicates: Literal["refuse", "last"] = Field(
        default="refuse", description="What to do if a key occurs twice: refuse the batch, or let the last row win."
    )
    tolerated: float = Field(
        default=0.1, ge=0, le=1, description="The share of rejected rows at which a batch stops early."
    )
    expires_days: int | None = Field(
        default=None,
        ge=1,
        le=3650,
        description="The days after which the predictions of a batch expire, from its beginning; none: they stay until "
        "newer ones replace them.",
    )
    schedule: ScheduleText | None = Field(
        default=None, description="When to start a batch of `input`: cron(0 3 * * ? *) or rate(1 day)."
    )
    timezone: Zone = Field(default="UTC", description="The time zone of the schedule.")
    input: Request | None = Field(default=None, description="The request of the scheduled batch, as the API takes it.")

    def check_consistency(self) -> None:
        """Raise ValueError if the schedule has no input, if predictions expire before the next batch, or if the worker
        could not read or write what the input names.
        """
        if self.schedule is not None and self.input is None:
            raise ValueError("batch.schedule: needs batch.input, the request of the batch: set it too")
        pause = _longest_pause(self.schedule)
        if pause is not None and self.expires_days is not None and pause >= self.expires_days:
            raise ValueError(
                f"batch.expires_days: predictions expire after {self.expires_days} days, but {self.schedule} starts "
                f"the next batch after up to {pause:g}: give more days, with time for a batch that is late"
            )
        if self.input is None:
            return
        if self.schedule is None:
            raise ValueError("batch.input: is only for batch.schedule: set that too, or remove this")
        request = BatchRequest.from_json(self.input)
        for url in request.inputs:
            if not _is_within(url, self.inputs):
                raise ValueError(
                    f"batch.input.inputs: workers may not read {quoted(url)}: add s3://bucket/prefix/* to batch.inputs"
                )
        folder = request.results
        if folder is not None and not _is_within(f"{folder.rstrip('/')}/file", self.results):
            raise ValueError(
                f"batch.input.results: workers may not write to {quoted(folder)}: add s3://bucket/prefix/* to "
                "batch.results"
            )


class Jobs(Section):
    """Asynchronous requests to this model: they are queued, and a worker answers them."""

    max_concurrency: int = Field(default=JOBS, ge=2, le=1000, description="The most jobs that run at one time.")
    attempts: int = Field(
        default=3, ge=1, le=100, description="How often a job is tried before it goes to the dead-letter queue."
    )
    expires_days: int = Field(default=7, ge=1, le=30, description="The days that a job and its result stay.")


class Worker(Section):
    """The model's second function, which does batches and jobs."""

    memory_mb: int = Field(
        default=1769, ge=128, le=10_240, description="Memory in MB; Lambda provides one vCPU per 1,769 MB."
    )
    timeout_s: int = Field(
        default=900, ge=60, le=900, description="The longest time for one chunk of a batch, or for one job, in seconds."
    )
    tmp_mb: int = Field(default=512, ge=512, le=10_240, description="The size of /tmp in MB.")
    max_concurrency: int = Field(
        default=WORKERS,
        ge=1,
        le=1000,
        description="The most workers at one time, reserved from the account's concurrency.",
    )

    def check_consistency(self, jobs: Jobs | None) -> None:
        """Raise ValueError if jobs may run more workers than there are: Lambda would throttle the queue."""
        if jobs is not None and jobs.max_concurrency > self.max_concurrency:
            raise ValueError(
                f"jobs.max_concurrency: {jobs.max_concurrency} is above worker.max_concurrency, "
                f"{self.max_concurrency}: raise that or lower this"
            )
