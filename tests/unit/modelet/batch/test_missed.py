"""The problem of a chunk whose worker failed at every attempt says what happened and what helps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelet.batch.missed import missed_error

KILLED = json.dumps(
    {"errorType": "Runtime.ExitError", "errorMessage": "RequestId: 1 Error: Runtime exited with error: signal: killed"}
)
EXITED = KILLED.replace("signal: killed", "exit status 3")


@pytest.mark.parametrize(
    ("name", "cause", "remedies"),
    [
        ("Runtime.OutOfMemory", "{}", ["ran out of memory", "chunk_rows", "worker.memory_mb", "start a new batch"]),
        ("Runtime.ExitError", KILLED, ["ran out of memory", "chunk_rows", "worker.memory_mb", "start a new batch"]),
        ("Runtime.ExitError", EXITED, ["ended its process", "log", "start a new batch"]),
        ("Sandbox.Timedout", "{}", ["timeout", "chunk_rows", "worker.timeout_s", "start a new batch"]),
        ("States.Timeout", "{}", ["timeout", "worker.timeout_s"]),
        ("Lambda.Unknown", "2026-11-29 1 Task timed out after 900.00 seconds", ["timeout", "worker.timeout_s"]),
        ("Lambda.Unknown", "The function ended", ["failed", "log", "batch resume"]),
        ("StoreError", "{}", ["could not reach a service of AWS", "batch resume"]),
        ("ThrottledError", "{}", ["no free environment", "worker.max_concurrency", "batch resume"]),
        ("Lambda.TooManyRequestsException", "{}", ["no free environment", "worker.max_concurrency"]),
        ("Lambda.ResourceNotFoundException", "{}", ["does not exist", "start a new batch"]),
        ("Lambda.ServiceException", "{}", ["was not run by AWS Lambda", "batch resume"]),
        ("KeyError", "{}", ["failed", "log", "batch resume"]),
    ],
)
def test_each_end_of_a_worker_has_its_remedy_and_its_name(name: str, cause: str, remedies: list[str]) -> None:
    error = missed_error({"Error": name, "Cause": cause})
    problem = error.problem()
    assert [each for each in remedies if each not in problem["detail"]] == []
    assert f"({name})" in problem["detail"]
    assert (problem["type"], problem["status"], error.retryable) == ("urn:modelet:problem:worker", 500, False)


@pytest.mark.parametrize(
    "cause", [None, {}, "text", {"Error": "secret: /var/task\n<b>", "Cause": "secret"}, {"Error": 3}]
)
def test_no_text_of_an_exception_gets_into_the_problem(cause: Any) -> None:
    assert "secret" not in missed_error(cause).problem()["detail"]
