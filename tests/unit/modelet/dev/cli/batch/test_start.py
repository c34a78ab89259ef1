"""batch start: the request as it is sent, and the end of the batch as the exit code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelet.dev.cli.batch import watch
from support.commands import Run, failure
from support.scripted_api import ScriptedApi

from .conftest import BATCH, OF, record, shown

START = ("batch", "start", "tiny", "s3://lake/a.csv", "--key", "id")
DEFAULTS = {"inputs": ["s3://lake/a.csv"], "key": "id"}


@pytest.fixture
def started(scripted: ScriptedApi) -> ScriptedApi:
    """The API, which starts a batch."""
    scripted.answer("POST", OF, record("PLANNING"), status=202)
    return scripted


@pytest.mark.parametrize(
    ("words", "members"),
    [
        ([], {}),
        (["s3://lake/b/*.parquet"], {"inputs": ["s3://lake/a.csv", "s3://lake/b/*.parquet"]}),
        (["--pass", "town", "--pass", "street"], {"passed": ["town", "street"]}),
        (["--format", "csv", "--columns", "id,x,y"], {"format": "csv", "columns": ["id", "x", "y"]}),
        (
            ["--no-table", "--results", "s3://lake/out", "--results-format", "jsonl"],
            {"table": False, "results": "s3://lake/out", "results_format": "jsonl"},
        ),
        (
            ["--load", "import", "--tolerated", "0.5", "--chunk-rows", "100"],
            {"load": "import", "tolerated": 0.5, "chunk_rows": 100},
        ),
        (["--tolerated", "0"], {"tolerated": 0.0}),
    ],
)
def test_the_request_is_sent_as_the_options_say(
    ask: Run, started: ScriptedApi, words: list[str], members: dict[str, Any]
) -> None:
    result = ask(*START, *words)
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout)["id"] == BATCH
    asked = started.asked()
    assert (asked.method, asked.path, asked.authorization) == ("POST", OF, "Bearer a-token")
    assert asked.body == {**DEFAULTS, **members}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["patients.csv"], "'patients.csv' is a file of this machine, which AWS cannot read: copy it to S3"),
        (["--results", "out/"], "'out/' is a file of this machine, which AWS cannot read"),
        (["https://example.com/a.csv"], "'https://example.com/a.csv' is not supported: give s3://bucket/key"),
        (["--no-table"], "results"),
        (["--columns", "id,id"], "columns"),
    ],
)
def test_a_request_that_cannot_work_is_one_line_and_nothing_is_sent(
    ask: Run, started: ScriptedApi, words: list[str], said: str
) -> None:
    assert said in failure(ask(*START, *words))
    assert started.seen == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tolerated", "2"], "'--tolerated'"),
        (["--chunk-rows", "0"], "'--chunk-rows'"),
        (["--load", "fast"], "'--load'"),
    ],
)
def test_an_option_out_of_range_is_a_wrong_command_line(
    ask: Run, started: ScriptedApi, words: list[str], said: str
) -> None:
    result = ask(*START, *words)
    assert (result.exit_code, started.seen) == (2, [])
    assert said in result.stderr


def test_no_watch_needs_a_url(run: Run, scripted: ScriptedApi) -> None:
    result = run(*START, "--no-watch")
    assert result.exit_code == 2
    assert "--no-watch needs --url" in result.stderr


def test_watch_follows_the_batch_to_its_end(ask: Run, started: ScriptedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "INTERVAL_S", 0.01)
    monkeypatch.setattr(watch, "LINE_S", 0.0)
    states = [shown("PLANNING", rows_done=0), shown(), shown("FINISHING"), shown("DONE", rows_done=1998, rows_failed=2)]
    started.answer("GET", f"{OF}/{BATCH}", *states)
    result = ask(*START, "--watch")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{BATCH}: DONE, 1,998 rows, 2 rejected, 1,234 rows/s",
        f"predictions: `modelet batch results tiny {BATCH} --url {started.url}` prints them",
    ]
    first, second, third = result.stderr.splitlines()
    assert first.startswith(f"{BATCH}: PLANNING, 0 rows")
    assert second == f"{BATCH}: RUNNING, 1,000 rows, 1,234 rows/s, 12 s left"
    assert third.startswith(f"{BATCH}: FINISHING")


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (shown("FAILED", problem={"detail": "1 of 2 chunks failed"}, chunks_failed=1), "1 of 2 chunks failed"),
        (shown("CANCELLED"), f"the batch {BATCH} is CANCELLED"),
    ],
)
def test_a_batch_that_does_not_end_well_is_exit_code_1_with_its_problem(
    ask: Run, started: ScriptedApi, end: Any, said: str
) -> None:
    started.answer("GET", f"{OF}/{BATCH}", end)
    result = ask(*START, "--watch")
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{BATCH}: {end['state']}, 1,000 rows")
    assert result.stderr == f"error: {said}\n"


def test_the_variable_names_the_api(run: Run, started: ScriptedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELET_URL", f"{started.url}/")
    assert run(*START, "--api-key", "a-key").exit_code == 0
    assert (started.asked().path, started.asked().authorization) == (OF, None)
