"""Run a job: claim it, answer its body as the online function would, and record the answer."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING

from modelet.batch.clients import client
from modelet.errors import ModeletError, StoreError
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

    def run(self, job_id: str, request_id: str, remaining: float) -> ModeletError | None:
        """Run a job, unless it has ended or was cancelled. Returns the error of a job that failed for good.

        remaining: seconds until the worker's timeout. Raises a retryable error if the message must come again: because
        another worker has the job, or because something did not answer and attempts are left.
        """
        claim = self._jobs.claim(self._name, job_id, request_id, time.time() + remaining + GRACE_S)
        if claim.state == "running":
            raise StoreError(f"job {job_id} is run by another worker at this moment")
        if claim.state != "claimed" or claim.job is None:
            return None
        job = claim.job
        error = self._try(job)
        if error is None:
            return None
        problem = error.problem()
        if error.retryable and job.attempts < self._settings.job_attempts:
            self._jobs.release(job, problem)
            raise error
        self._jobs.fail(job, problem)
        if error.retryable:
            raise error  # the queue moves the message to its dead-letter queue
        return error

    def _try(self, job: JobRecord) -> ModeletError | None:
        """Answer a job, and record the answer. Returns the error if that fails: the job is still claimed then."""
        try:
            body = job.body if job.body is not None else self._objects.read(str(job.url))
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
