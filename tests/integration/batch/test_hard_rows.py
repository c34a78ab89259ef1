"""Rows and inputs that are hard: each is handled or named, the others are done, and the status says the truth."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typing_extensions import TypedDict

from modelet.batch.lookup import Lookup
from modelet.model import Model
from support.batches import Stage, csv_text
from support.services import service


class Row(TypedDict):
    x: float


class Answer(TypedDict):
    text: str


class Wordy(Model[Row, Answer]):
    """Answers as many letters as x says; raises where x is negative. calls: the sizes of its calls."""

    calls: list[int]

    def __init__(self) -> None:
        self.calls = []

    def infer(self, inputs: list[Row]) -> list[Answer]:
        self.calls.append(len(inputs))
        if any(row["x"] < 0 for row in inputs):
            raise KeyError("secret")
        return [{"text": "é" * int(row["x"])} for row in inputs]


@pytest.fixture
def stage(place: str) -> Stage:
    return Stage.create(service(Wordy, limits={"max_instances": 2_000}), place)


def rows(count: int) -> list[dict[str, Any]]:
    return [{"id": f"k{number}", "x": number % 7} for number in range(count)]


def problems(stage: Stage, url: str) -> str:
    """What a batch of an input that cannot be scored says; it must say one thing."""
    batch = stage.create_batch(url)
    record = stage.run(batch)
    assert record.state == "FAILED"
    assert stage.worker.generations.active("tiny") is None
    assert record.problem is not None
    found = {error.problem["detail"] for error in stage.worker.batches.progress(record).errors}
    assert len(found) <= 1
    return found.pop() if found else str(record.problem["detail"])


def test_one_poison_row_among_twenty_thousand_is_rejected_alone(stage: Stage) -> None:
    given = rows(20_000)
    given[12_345]["x"] = -1
    batch = stage.create_batch(stage.put("a.csv", csv_text(given)), chunk_rows=10_000)
    record = stage.run(batch)
    assert (record.state, record.rows_done, record.rows_failed) == ("DONE", 19_999, 1)
    (rejected,) = stage.rejected(batch)
    assert (rejected["row"], rejected["key"]) == (12_345, "k12345")
    assert "secret" not in json.dumps(rejected)
    assert {key for _, key in stage.items()} == {row["id"] for row in given} - {"k12345"}
    model = stage.service.pipeline.model
    assert isinstance(model, Wordy)
    assert sum(model.calls) < 20_000 + 3 * 2_000, "the row is searched for by halves of its piece"


@pytest.mark.parametrize("load", ["write", "import"])
def test_nan_decimals_large_items_and_reserved_words_are_handled(stage: Stage, load: str) -> None:
    cells: dict[str, Any] = {
        "key": pa.array(["size", "name", "values", "table", "é" * 1024]),
        "x": pa.array([1.0, float("nan"), 204_000.0, 205_000.0, 2.0]),
        "values": pa.array([Decimal("0.10"), None, None, None, Decimal("12345678901234567890.123456789")]),
        "name": pa.array([float("nan"), 1.0, 1.0, 1.0, 0.1]),
        "status": pa.array(["a", "b", "c", "d", "e"]),
    }
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(cells), sink)
    url = stage.put("a.parquet", bytes(sink.getvalue()))
    batch = stage.create_batch(url, key="key", passed=["values", "status"], load=load, tolerated=0.9)
    record = stage.run(batch)
    assert (record.state, record.rows_done, record.rows_failed) == ("DONE", 3, 2), (record, stage.rejected(batch))
    reasons = {line["key"]: line for line in stage.rejected(batch)}
    assert set(reasons) == {"name", "table"}
    assert reasons["name"]["field"] == "x"
    assert "DynamoDB allows 409600" in reasons["table"]["reason"]
    lookup = Lookup(boto3.client("dynamodb"), stage.settings.control_table)
    found = lookup.get("tiny", list(cells["key"].to_pylist())).predictions
    assert {key: len(each.value["text"]) for key, each in found.items()} == {
        "size": 1,
        "values": 204_000,
        "é" * 1024: 2,
    }
    assert found["é" * 1024].passed == {"values": 12345678901234567890.123456789, "status": "e"}, "the nearest float"
    assert found["size"].passed == {"values": 0.1, "status": "a"}


def test_a_row_without_end_is_one_clear_problem(stage: Stage) -> None:
    """What is read of it is bounded, so that one of 10 GB says the same."""
    endless = b'id,x\nk1,1\n"' + b"a" * (17 * 1024 * 1024)
    assert "row 1 is larger than 16 MB" in problems(stage, stage.put("a.csv", endless))
    assert "row 0 is larger than 16 MB" in problems(stage, stage.put("a.jsonl", endless.replace(b"\n", b" ")))


def test_a_missing_object_is_one_clear_problem(stage: Stage) -> None:
    assert "inputs/none.csv" in problems(stage, f"{stage.url}/inputs/none.csv")


def test_an_object_that_is_deleted_meanwhile_fails_by_name(stage: Stage) -> None:
    url = stage.put("a.csv", csv_text(rows(60)))
    batch = stage.create_batch(url, chunk_rows=20)
    record = stage.run(batch, lambda number: stage.worker.objects.delete(url) if number == 1 else None)
    assert (record.state, record.rows_done) == ("FAILED", 20)
    errors = stage.worker.batches.progress(record).errors
    assert [error.number for error in errors] == [1, 2]
    assert all("a.csv was deleted" in error.problem["detail"] for error in errors)
    assert stage.worker.generations.active("tiny") is None
