"""batch results: the predictions of a batch, its rejected rows, and predictions by key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelet.dev.cli.batch.results import PAGE_ROWS
from support.commands import Run, failure
from support.scripted_api import ScriptedApi

from .conftest import BATCH, OF, record

KEYS = ["17", "order/2026 #1", "ä"]
FIRST = f"?limit={PAGE_ROWS}"
ROWS: list[dict[str, Any]] = [
    {"object": "s3://lake/a.csv", "row": 7, "key": "k\x1b7", "field": "x", "reason": "is béd", "rule": "r"},
    {"object": "s3://lake/a.csv", "row": 9, "key": "k9", "field": None, "reason": "is bad", "rule": "r"},
]
PREDICTIONS: list[dict[str, Any]] = [{"key": "좋음", "prediction": 1.5}, {"key": "b", "prediction": {"label": "y"}}]


def serve(scripted: ScriptedApi, member: str, rows: list[dict[str, Any]], batch: str = BATCH) -> None:
    """Answer three pages; the one in the middle is empty, as after the items of another generation."""
    path = f"{OF}/{batch}/{member}"
    scripted.answer("GET", path + FIRST, {member: rows[:1], "after": "a+b==", "next": "…"})
    scripted.answer("GET", f"{path}{FIRST}&after=a%2Bb%3D%3D", {member: [], "after": "c", "next": "…"})
    scripted.answer("GET", f"{path}{FIRST}&after=c", {member: rows[1:], "after": None, "next": None})


def test_rejected_rows_are_json_lines_of_all_pages(ask: Run, scripted: ScriptedApi) -> None:
    serve(scripted, "rejected", ROWS)
    result = ask("batch", "results", "tiny", BATCH, "--rejected")
    assert (result.exit_code, result.stderr) == (0, "")
    assert [json.loads(line) for line in result.stdout.splitlines()] == ROWS
    assert "béd" in result.stdout
    assert "\x1b" not in result.stdout


def test_without_an_id_they_are_those_of_the_newest_batch(ask: Run, scripted: ScriptedApi) -> None:
    scripted.answer("GET", f"{OF}?limit=1", {"batches": [record()]})
    serve(scripted, "rejected", ROWS)
    assert len(ask("batch", "results", "tiny", "--rejected").stdout.splitlines()) == 2


def test_predictions_are_those_of_the_active_generation(ask: Run, scripted: ScriptedApi) -> None:
    active = "20261128T000000Z-00000000"
    scripted.answer("GET", "/models/tiny/predictions", {"active": True, "generation": active})
    serve(scripted, "predictions", PREDICTIONS, active)
    result = ask("batch", "results", "tiny")
    assert [json.loads(line) for line in result.stdout.splitlines()] == PREDICTIONS


def test_without_a_generation_the_newest_batch_says_why(ask: Run, scripted: ScriptedApi) -> None:
    scripted.answer("GET", "/models/tiny/predictions", {"active": False, "generation": None})
    scripted.answer("GET", f"{OF}?limit=1", {"batches": [record("FAILED")]})
    scripted.refuse("GET", f"{OF}/{BATCH}/predictions{FIRST}", 409, "the batch is FAILED: resume it first")
    assert failure(ask("batch", "results", "tiny")) == "the batch is FAILED: resume it first"
    scripted.answer("GET", f"{OF}?limit=1", {"batches": []})
    assert "tiny has no batches: start one" in failure(ask("batch", "results", "tiny"))


def test_rows_go_into_a_file(ask: Run, scripted: ScriptedApi, tmp_path: Path) -> None:
    serve(scripted, "rejected", ROWS)
    file = tmp_path / "bad rows.jsonl"
    result = ask("batch", "results", "tiny", BATCH, "--rejected", "--output", str(file))
    assert (result.exit_code, result.stdout) == (0, f"2 rows in {file}\n")
    assert [json.loads(line) for line in file.read_text().splitlines()] == ROWS
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["bad rows.jsonl"]


def test_a_file_that_is_not_complete_does_not_replace_another(ask: Run, scripted: ScriptedApi, tmp_path: Path) -> None:
    path = f"{OF}/{BATCH}/rejected{FIRST}"
    scripted.answer("GET", path, {"rejected": ROWS, "after": "x", "next": "…"})
    scripted.refuse("GET", f"{path}&after=x", 500, "no")
    file = tmp_path / "old.jsonl"
    file.write_text("old")
    assert failure(ask("batch", "results", "tiny", BATCH, "--rejected", "--output", str(file))) == "no"
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir() if each.is_file()] == [("old.jsonl", "old")]


@pytest.mark.parametrize(("name", "said"), [("nowhere/a.jsonl", "No such file"), (".", "is a folder")])
def test_a_file_that_cannot_be_written_is_one_line_before_anything_is_asked(
    ask: Run, scripted: ScriptedApi, tmp_path: Path, name: str, said: str
) -> None:
    assert said in failure(ask("batch", "results", "tiny", BATCH, "--rejected", "--output", str(tmp_path / name)))
    assert scripted.seen == []


def test_a_reader_that_has_enough_ends_the_command_without_a_word(scripted: ScriptedApi, project: Path) -> None:
    page = {"rejected": ROWS * 5_000, "after": "x", "next": "…"}
    for query in (FIRST, f"{FIRST}&after=x"):
        scripted.answer("GET", f"{OF}/{BATCH}/rejected{query}", page)
    words = ["batch", "results", "tiny", BATCH, "--rejected", "--url", scripted.url, "--token", "t"]
    command = [sys.executable, "-c", "from modelet.dev.cli import main; main()", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline()) == ROWS[0]
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_predictions_are_looked_up_by_any_keys(ask: Run, scripted: ScriptedApi) -> None:
    found = {
        "generation": "20261129T051200Z-1a2b3c4d",
        "predictions": [{"key": "17", "prediction": {"label": "좋음"}, "source": "batch"}],
        "missing": KEYS[1:],
    }
    scripted.answer("POST", "/models/tiny/predictions", found)
    result = ask("batch", "results", "tiny", *(word for key in KEYS for word in ("--key", key)))
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == found
    assert "좋음" in result.stdout
    assert scripted.asked().body == {"keys": KEYS}


@pytest.mark.parametrize("words", [[BATCH], ["--rejected"], ["--output", "a.jsonl"]])
def test_a_key_is_looked_up_in_the_active_generation_alone(ask: Run, scripted: ScriptedApi, words: list[str]) -> None:
    result = ask("batch", "results", "tiny", "--key", "17", *words)
    assert result.exit_code == 2
    assert "--key looks into the active generation" in result.stderr
    assert scripted.seen == []
