"""jobs list and jobs show."""

from __future__ import annotations

import json
from typing import Any

from support.commands import Run, failure, lines
from support.scripted_api import ScriptedApi

JOB = "tiny.20261129T051200123Z-1a2b3c4d"
OF = "/models/tiny/jobs"


def job(state: str, **members: Any) -> dict[str, Any]:
    """A job as the platform function answers it."""
    return {
        "id": JOB,
        "model": "tiny",
        "state": state,
        "version": "3",
        "attempts": 1,
        "created": "2026-11-29T05:12:00.123Z",
        "started": None,
        "ended": None,
        "expires": "2026-12-06T05:12:00.123Z",
        "problem": None,
        "status_url": f"/jobs/{JOB}",
        **members,
    }


def test_a_list_is_a_table_without_headings_in_a_pipe(ask: Run, scripted: ScriptedApi) -> None:
    found = [
        job("queued"),
        job("failed", attempts=3, problem={"title": "Model failed", "detail": "line one\nline two"}),
    ]
    scripted.answer("GET", f"{OF}?limit=5", {"jobs": found, "after": None, "next": None})
    queued, failed = lines(ask("jobs", "list", "tiny", "--limit", "5"))
    assert queued == [JOB, "queued", "1", "2026-11-29T05:12:00.123Z", "-"]
    assert failed[1:3] == ["failed", "3"]
    assert "line one" in failed[4]
    assert scripted.asked().authorization == "Bearer a-token"


def test_no_jobs_are_no_lines(ask: Run, scripted: ScriptedApi) -> None:
    scripted.answer("GET", f"{OF}?limit=20", {"jobs": [], "after": None, "next": None})
    assert lines(ask("jobs", "list", "tiny")) == []


def test_a_job_is_shown_with_its_result(ask: Run, scripted: ScriptedApi) -> None:
    done = job("done", status=200, result={"label": "좋음"})
    scripted.answer("GET", f"{OF}/{JOB}", done)
    assert json.loads(ask("jobs", "show", "tiny", JOB).stdout) == done


def test_a_job_that_is_unknown_is_one_line(ask: Run, scripted: ScriptedApi) -> None:
    scripted.refuse("GET", f"{OF}/a%2Fb", 404, "there is no job a/b")
    assert failure(ask("jobs", "show", "tiny", "a/b")) == "there is no job a/b"
