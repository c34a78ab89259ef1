"""invoke and infer: one event through the official runtime client, from a shell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from support.commands import failure
from support.events import rows_event
from support.projects import BAD, GOOD, make_tiny

Run = Callable[..., Result]


@pytest.fixture
def tiny(project: Path) -> Path:
    """The project with one model, tiny, published and not pinned."""
    (project / "functions").rmdir()
    make_tiny(project)
    return project


@pytest.fixture
def event(tiny: Path) -> Path:
    path = tiny / "infer.json"
    path.write_text(json.dumps(rows_event(GOOD)))
    return path


def test_invoke_prints_the_answer_and_logs_to_stderr(run: Run, event: Path) -> None:
    result = run("invoke", "tiny", "-e", str(event))
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["label"] == "high"


def test_invoke_takes_an_event_from_stdin(run: Run, event: Path) -> None:
    assert json.loads(run("invoke", "tiny", "-e", "-", stdin=event.read_text()).stdout)["statusCode"] == 200


def test_invoke_of_a_bad_request_prints_the_problem_and_exits_with_1(run: Run, tiny: Path) -> None:
    result = run("invoke", "tiny", "-e", "-", stdin=json.dumps(rows_event(BAD)))
    assert result.exit_code == 1
    assert json.loads(json.loads(result.stdout)["body"])["status"] == 422


def test_an_event_that_is_no_json_is_a_wrong_command_line(run: Run, tiny: Path) -> None:
    result = run("invoke", "tiny", "-e", "-", stdin="{")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "invalid value for '--event': - is not JSON: " in result.stderr


def test_an_event_file_that_is_missing_is_a_wrong_command_line(run: Run, tiny: Path) -> None:
    result = run("invoke", "tiny", "-e", "nowhere.json")
    assert result.exit_code == 2
    assert "'nowhere.json' does not exist" in result.stderr


def test_one_instance_gets_one_prediction_and_no_log(run: Run, tiny: Path) -> None:
    result = run("infer", "tiny", json.dumps(GOOD))
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout)["label"] == "high"


def test_instances_get_a_list_of_predictions(run: Run, tiny: Path) -> None:
    result = run("infer", "tiny", json.dumps({"instances": [GOOD, {"a": 0, "b": 1}]}))
    assert [prediction["label"] for prediction in json.loads(result.stdout)] == ["high", "low"]


def test_instances_come_from_a_file_or_from_stdin_too(run: Run, tiny: Path) -> None:
    (tiny / "instance.json").write_text(json.dumps(GOOD))
    for result in (run("infer", "tiny", "@instance.json"), run("infer", "tiny", "-", stdin=json.dumps(GOOD))):
        assert json.loads(result.stdout)["label"] == "high"


def test_a_broken_contract_prints_the_problem_and_exits_with_1(run: Run, tiny: Path) -> None:
    result = run("infer", "tiny", json.dumps(BAD))
    assert result.exit_code == 1
    assert json.loads(result.stdout)["type"] == "urn:modelet:problem:contract"


def test_a_function_that_cannot_start_shows_its_log_and_exits_with_1(run: Run, tiny: Path) -> None:
    (tiny / ".modelet" / "store" / "tiny" / "1" / "model.onnx").write_bytes(b"flipped")
    result = run("infer", "tiny", json.dumps(GOOD))
    assert result.exit_code == 1
    assert "model.onnx" in result.stderr
    assert "ArtifactError" in json.loads(result.stdout)["errorType"]


def test_a_model_that_raises_shows_the_cause_in_its_log(run: Run, tiny: Path) -> None:
    app = tiny / "functions" / "tiny" / "app.py"
    raising = "class TinyModel(OnnxModel[Row, Label]):\n    def infer(self, inputs):\n        return 1 / 0"
    app.write_text(app.read_text().replace("class TinyModel(OnnxModel[Row, Label]):\n    pass", raising))
    result = run("infer", "tiny", json.dumps(GOOD))
    assert (result.exit_code, json.loads(result.stdout)["status"]) == (1, 500)
    assert "ZeroDivisionError" in result.stderr


@pytest.mark.parametrize("word", ["NaN", "Infinity"])
def test_what_is_no_number_of_json_is_a_wrong_command_line(run: Run, tiny: Path, word: str) -> None:
    result = run("infer", "tiny", f'{{"a": {word}, "b": 1}}')
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{word} is not a JSON number" in result.stderr


def test_the_version_is_the_pinned_one(run: Run, tiny: Path) -> None:
    (tiny / "functions" / "tiny" / "model.lock").write_text(
        json.dumps({"model": "tiny", "version": "1", "manifest_sha256": "0" * 64})
    )
    said = failure(run("infer", "tiny", json.dumps(GOOD)))
    assert said.startswith("functions/tiny/model.lock pins another version 1 of tiny than the one in file:///")
    assert "`modelet pin tiny`" in said
