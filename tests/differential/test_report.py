"""The report of a long run: its tables, and what makes it fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from differential.estimators import generated
from differential.fuzz import main
from differential.report import LONG, OFTEN, lines, shortcomings
from differential.trial import Outcome


def outcome(seed: int, served: str | None = "onnx", **members: object) -> Outcome:
    found = Outcome(seed, "Ridge", sorted(generated()), served, rows={"equal": 9, "refused": 1})
    for name, value in members.items():
        setattr(found, name, value)
    return found


def test_a_run_whose_cases_are_right_and_published_is_good_enough() -> None:
    assert shortcomings([outcome(seed) for seed in range(10)]) == []


def test_a_finding_fails_the_run_and_its_seed_is_named() -> None:
    [said] = shortcomings([outcome(4), outcome(5, findings=["wrong answer by onnx under 'columns': …"])])
    assert said == "1 of 2 cases have findings: make fuzz SEED=5 shows the first"


def test_refusing_is_no_way_out() -> None:
    outcomes = [outcome(seed, None if seed < 3 else "sklearn") for seed in range(10)]
    assert shortcomings(outcomes) == ["7 of 10 cases are published, fewer than 80%"]
    assert shortcomings(outcomes[1:] + outcomes[-1:]) == []


def test_in_a_long_run_every_estimator_has_its_turns() -> None:
    outcomes = [outcome(seed) for seed in range(LONG)]
    assert shortcomings(outcomes) == []
    for each in outcomes[OFTEN - 1 :]:
        each.holds.remove("Lasso")
    assert shortcomings(outcomes) == [f"Lasso had {OFTEN - 1} turns, fewer than {OFTEN}"]


def test_the_tables_count_by_predictor_reason_and_finding() -> None:
    refused = outcome(2, None, refused=["onnx: case: column 'a' of 3 rows: say so", "sklearn: case: no: say so"])
    wrong = outcome(3, "sklearn", rows={"equal": 8, "wrong answer": 2}, findings=["wrong answer by sklearn: {'a': 1}"])
    said = "\n".join(lines([outcome(1), refused, wrong]))
    assert (
        "Ridge                                   3      1        1        1        30        26        2      2" in said
    )
    assert "     1  no: say so" in said
    assert "     1  wrong answer by sklearn" in said


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "outcomes.jsonl"
    file.write_text("".join(f"{outcome(seed).to_json()}\n" for seed in range(5)))
    assert main(["--cases", "5", "--jobs", "1", "--resume", "--outcomes", str(file)]) == 0
    assert "Ridge                                   5      5" in capfd.readouterr().out
    assert len(file.read_text().splitlines()) == 5
