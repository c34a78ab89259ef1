"""Run a job: claim it, answer its body as the online function would, and record the answer."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from modelet.batch.clients import client
from modelet.batch.files import read_file
from modelet.errors import ModeletError, ServingError, StoreError
from modelet.jobs.queue import pause
from modelet.jobs.records import MOST_RESULT_BYTES, Jobs
from modelet.store.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.batch.settings import WorkerSettings
    from modelet.jobs.records import JobRecord
    from modelet.protocols.service import Response

    Answer = Callable[[JobRecord, bytes], tuple[Response, ModeletError | None]]
    """Answers a job's body; returns the response, and the error if there was one."""

GRACE_S = 30.0
"""Seconds after the worker's timeout until its claim expires and another worker may run the job."""


class Outcome(NamedTuple):
    """What became of a message. error: for the log; None if there was none.

    again_s: the seconds after which the message must come again, and if it came often enough, it goes to the
    dead-letter queue then; None if it is done with.
    """

    error: ModeletError | None = None
    again_s: float | None = None


class JobRunner:
    """Runs the jobs of one model. name: the model's. answer: infers."""

    def __init__(self, name: str, settings: WorkerSettings, answer: Answer) -> None:
        self._name = name
        self._settings = settings
        self._answer = answer

    @cached_property
    def _jobs(self) -> Jobs:
        return Jobs(client("dynamodb"), self._settings.control_table)

    @cached_property
    def _objects(self) -> Objects:
        return Objects()

    def run(self, job_id: str, attempt: int, request_id: str, remaining: float) -> Outcome:
        """Run a job, unless it has ended, was cancelled, or is run by another worker.

        attempt: how often its message was delivered. remaining: seconds until the worker's timeout. Raises StoreError
        (retryable) or ServingError if the control table does not answer.
        """
        most, until = self._settings.job_attempts, time.time() + remaining + GRACE_S
        claim = self._jobs.claim(self._name, job_id, request_id, until, attempt=attempt, most=most)
        job = claim.job
        if job is None or claim.state == "ended":
            return Outcome()
        if claim.state == "running":
            left = (job.claimed_until or 0.0) - time.time()
            return Outcome(StoreError(f"job {job_id} is run by another worker at this moment"), left + 1)
        if claim.state == "spent":
            return Outcome(ServingError(f"job {job_id} failed at its last attempt, {job.attempts}: redrive it"), 0)
        error = self._try(job)
        return Outcome() if error is None else self._failed(job, error)

    def _failed(self, job: JobRecord, error: ModeletError) -> Outcome:
        """Give a job back to the queue if another attempt may help; else end it as failed."""
        if error.retryable and job.attempts < self._settings.job_attempts:
            self._jobs.release(job, error.problem())
            return Outcome(error, pause(job.attempts))
        self._jobs.fail(job, error.problem())
        return Outcome(error, 0 if error.retryable else None)

    def _try(self, job: JobRecord) -> ModeletError | None:
        """Answer a job, and record the answer. Returns the error if that fails: the job is still claimed then."""
        try:
            body = job.body if job.body is not None else read_file(self._objects, str(job.url))
            response, error = self._answer(job, body)
            if error is None:
                self._finish(job, response)
        except FileNotFoundError as missing:
            return ModeletError(f"the body of job {job.id} is gone: {missing}")
        except ModeletError as failed:
            return failed
        return error

    def _finish(self, job: JobRecord, response: Response) -> None:
        media_type = response.headers.get("content-type", "application/json")
        if len(response.body) <= MOST_RESULT_BYTES:
            self._jobs.finish(job, status=response.status, media_type=media_type, result=response.body)
            return
        url = f"{self._settings.batches}/{self._name}/jobs/{job.id}/result"
        self._objects.put(url, response.body)
        self._jobs.finish(job, status=response.status, media_type=media_type, url=url)
