"""batch list and batch status."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelet.dev.cli.batch import watch
from support.commands import Run, failure, lines
from support.scripted_api import ScriptedApi

from .conftest import BATCH, OF, record, shown


def test_a_list_is_a_table_without_headings_in_a_pipe(ask: Run, scripted: ScriptedApi) -> None:
    found = [record(), record("FAILED", id="20261128T000000Z-00000000", rows_failed=12345)]
    scripted.answer("GET", f"{OF}?limit=2", {"batches": found, "after": None, "next": None})
    created = "2026-11-29T05:12:00.000Z"
    assert lines(ask("batch", "list", "tiny", "--limit", "2")) == [
        [BATCH, "RUNNING", "3", "1,000", "0", created],
        ["20261128T000000Z-00000000", "FAILED", "3", "1,000", "12,345", created],
    ]


def test_a_status_has_the_progress_and_what_went_wrong(ask: Run, scripted: ScriptedApi) -> None:
    errors = [{"chunk": 7, "attempt": 1, "at": None, "problem": {"detail": "a.csv has changed"}}]
    scripted.answer(
        "GET", f"{OF}/{BATCH}", shown("FAILED", errors, problem={"detail": "1 of 2 chunks failed"}, chunks_failed=1)
    )
    assert lines(ask("batch", "status", "tiny", BATCH)) == [
        [f"{BATCH}: FAILED, 1,000 rows, 1,234 rows/s, 1 chunk failed"],
        ["problem: 1 of 2 chunks failed"],
        ["chunk 7: a.csv has changed"],
    ]


def test_without_an_id_it_is_the_newest_batch(ask: Run, scripted: ScriptedApi) -> None:
    scripted.answer("GET", f"{OF}?limit=1", {"batches": [record()]})
    scripted.answer("GET", f"{OF}/{BATCH}", shown())
    assert lines(ask("batch", "status", "tiny")) == [[f"{BATCH}: RUNNING, 1,000 rows, 1,234 rows/s, 12 s left"]]


def test_a_model_without_batches_has_the_command_that_starts_one(ask: Run, scripted: ScriptedApi) -> None:
    scripted.answer("GET", f"{OF}?limit=1", {"batches": []})
    assert "tiny has no batches: start one with `modelet batch start tiny" in failure(ask("batch", "status", "tiny"))


def test_a_status_as_json_is_the_whole_answer(ask: Run, scripted: ScriptedApi) -> None:
    scripted.answer("GET", f"{OF}/{BATCH}", shown())
    assert json.loads(ask("batch", "status", "tiny", BATCH, "--json").stdout) == shown()


def test_watching_ends_with_the_batch(ask: Run, scripted: ScriptedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "INTERVAL_S", 0.01)
    scripted.answer("GET", f"{OF}/{BATCH}", shown(), shown("FAILED"))
    result = ask("batch", "status", "tiny", BATCH, "--watch")
    assert result.exit_code == 1
    assert result.stderr.endswith(f"error: the batch {BATCH} is FAILED\n")


def test_any_text_is_an_id_and_does_not_leave_its_route(ask: Run, scripted: ScriptedApi) -> None:
    scripted.refuse("GET", f"{OF}/..%2Fa%3Fb%23%20%C3%A4", 404, "no such batch")
    assert failure(ask("batch", "status", "tiny", "../a?b# ä")) == "no such batch"


def test_a_status_says_how_the_table_is_loaded_and_how_to_see_what_was_written(ask: Run, scripted: ScriptedApi) -> None:
    reason = "import: 12,000,000 rows; writing them costs $7.50, importing them $0.36"
    places: dict[str, Any] = {"rejected": "s3://b/tiny/x/rejected/", "results": "s3://lake/out/x/"}
    scripted.answer("GET", f"{OF}/{BATCH}", shown("DONE", load_reason=reason, rows_failed=2, **places))
    row = {"object": "s3://lake/a.csv", "row": 7, "key": "k", "field": "bmi", "reason": "is bad", "rule": "r"}
    scripted.answer("GET", f"{OF}/{BATCH}/rejected?limit=1", {"rejected": [row], "after": None, "next": None})
    command = f"modelet batch results tiny {BATCH}"
    assert [line for [line] in lines(ask("batch", "status", "tiny", BATCH))][1:] == [
        f"load {reason}",
        (
            "rejected rows: for example row 7 of s3://lake/a.csv, field bmi: is bad; "
            f"`{command} --rejected --url {scripted.url}` prints them"
        ),
        f"predictions: `{command} --url {scripted.url}` prints them",
        "result files: s3://lake/out/x/",
    ]


def test_a_batch_without_a_table_has_no_predictions_to_print(ask: Run, scripted: ScriptedApi) -> None:
    request = {"inputs": ["s3://lake/a.csv"], "key": "id", "table": False, "results": "s3://lake/out"}
    scripted.answer("GET", f"{OF}/{BATCH}", shown("DONE", request=request, results="s3://lake/out/x/"))
    assert [line for [line] in lines(ask("batch", "status", "tiny", BATCH))][1:] == ["result files: s3://lake/out/x/"]


def test_a_list_as_json_is_the_records(ask: Run, scripted: ScriptedApi) -> None:
    scripted.answer("GET", f"{OF}?limit=20", {"batches": [record()], "after": None, "next": None})
    assert json.loads(ask("batch", "list", "tiny", "--json").stdout) == [record()]


def test_text_of_the_api_does_not_control_the_terminal(ask: Run, scripted: ScriptedApi) -> None:
    scripted.answer("GET", f"{OF}/{BATCH}", shown("FAILED", problem={"detail": "\x1b[2J"}))
    assert "problem: \\x1b[2J" in ask("batch", "status", "tiny", BATCH).stdout
