"""What is counted, and what has grown."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from benchmarks import counts
from benchmarks.environment import Subject
from benchmarks.lineup import BAKED, PYDANTIC, S3

BEFORE = {"init": {"app": [100, 10]}, "request": {"modelet.pipeline": [50, 5], "modelet.contract.contract": [20, 2]}}
APP = """
import math
made = [abs(each) for each in (1, 2, 3)]

def handler(event, context):
    return {"statusCode": len(str(math.sqrt(event["x"]))) and event.get("status", 200), "body": ""}
"""


def counted(folder: Path, app: str = APP, event: bytes = b'{"x": 4}') -> counts.Counts:
    (folder / "app.py").write_text(app)
    return counts.counts((Subject("it", folder, "app.handler", {"PYTHONPATH": ""}), event))


def test_calls_are_those_that_the_function_s_own_modules_make(tmp_path: Path) -> None:
    found = counted(tmp_path)
    assert found["request"]["app"][1] == 3  # len, sqrt and get; str is a type
    assert found["init"].keys() == found["request"].keys() == {"app"}


def test_counts_are_the_same_each_time(tmp_path: Path) -> None:
    assert counted(tmp_path) == counted(tmp_path)


def test_what_only_some_requests_do_is_not_counted(tmp_path: Path) -> None:
    sometimes = APP.replace("    return", "    made.append(0)\n    if len(made) % 4 == 0: sorted(made)\n    return")
    assert counted(tmp_path, sometimes)["request"]["app"][1] == 3 + 2


def test_a_bytecode_more_is_counted(tmp_path: Path) -> None:
    before, after = counted(tmp_path), counted(tmp_path, APP.replace('["x"]', '["x"] + 1'))
    assert after["request"]["app"][0] > before["request"]["app"][0]
    assert after["request"]["app"][1] == before["request"]["app"][1]


def test_a_function_that_refuses_its_event_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="it: answered 422"):
        counted(tmp_path, event=b'{"x": 4, "status": 422}')


def test_what_has_not_grown_is_within_the_counts() -> None:
    less = {"init": {"app": [99, 10]}, "request": {"modelet.contract.contract": [70, 7]}}
    assert list(counts.grown("it", less, BEFORE)) == []


def test_what_has_grown_is_named_with_its_modules_the_worst_first() -> None:
    request = {"modelet.pipeline": [90, 4], "modelet.contract.contract": [21, 2], "modelet.a": [5, 0]}
    [said] = counts.grown("it", {"init": {"app": [100, 10]}, "request": request}, BEFORE)
    assert said.startswith(
        "it: a warm request takes 116 bytecodes of Modelet, above the 70 of benchmarks/counts.toml: "
    )
    assert said.endswith(": modelet.pipeline +40, modelet.a +5, modelet.contract.contract +1")


def test_a_stage_of_the_author_s_own_is_counted_apart_from_what_it_spares() -> None:
    spared = {"init": {}, "request": {"modelet.contract.contract": [20, 2], "app": [30, 1]}}
    assert [line.rpartition(": ")[2] for line in counts.grown("it", spared, BEFORE)] == ["app +30", "app +1"]


def test_the_file_reads_back_as_it_was_counted() -> None:
    assert tomllib.loads(counts.write({"it": BEFORE})) == {"python": counts.PYTHON, "counts": {"it": BEFORE}}


def test_the_kept_counts_are_of_the_subjects_that_are_counted() -> None:
    assert counts.read()["counts"].keys() == {BAKED, S3, PYDANTIC} == set(counts.SUBJECTS)


def test_help_has_an_example() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.counts", "--help"], capture_output=True, text=True, check=True
    )
    assert "python -m benchmarks.counts" in done.stdout
