"""jobs cancel and jobs redrive."""

from __future__ import annotations

from support.commands import Run, failure, lines
from support.scripted_api import ScriptedApi

from .test_show import JOB, OF, job


def test_a_job_is_cancelled(ask: Run, scripted: ScriptedApi) -> None:
    scripted.answer("DELETE", f"{OF}/{JOB}", job("cancelled"))
    assert lines(ask("jobs", "cancel", "tiny", JOB)) == [[f"{JOB} is cancelled"]]


def test_a_job_that_is_done_cannot_be_cancelled(ask: Run, scripted: ScriptedApi) -> None:
    scripted.refuse("DELETE", f"{OF}/{JOB}", 409, "the job is done, so it cannot become cancelled")
    assert failure(ask("jobs", "cancel", "tiny", JOB)) == "the job is done, so it cannot become cancelled"


def test_jobs_of_the_dead_letter_queue_run_again(ask: Run, scripted: ScriptedApi) -> None:
    scripted.answer("POST", f"{OF}/redrive", {"model": "tiny", "redriven": 3, "dropped": 1})
    assert lines(ask("jobs", "redrive", "tiny")) == [
        ["jobs that run again: 3; messages dropped without a failed job: 1"]
    ]
