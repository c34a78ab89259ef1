"""A worker does all steps of a batch against an emulator: no row is lost, none is doubled, and the record is true."""

from __future__ import annotations

import gzip
import json
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from annotated_types import Ge
from typing_extensions import TypedDict

from modelet.errors import StoreError
from modelet.model import Model
from support.batches import Stage, csv_text
from support.services import service


class Row(TypedDict):
    x: Annotated[float, Ge(0)]
    sex: Literal[1, 2] | None


class Answer(TypedDict):
    double: float


class Doubling(Model[Row, Answer]):
    """Doubles x; raises where it is 13; the hooks of tests look at its calls."""

    completed: list[dict[str, Any]]
    failures = 0

    def __init__(self) -> None:
        self.completed = []

    def infer(self, inputs: list[Row]) -> list[Answer]:
        if self.failures > 0:
            self.failures -= 1
            raise StoreError("the feature store does not answer")
        if any(row["x"] == 13 for row in inputs):
            raise KeyError("secret")
        return [{"double": 2 * row["x"]} for row in inputs]

    def on_batch_complete(self, batch: dict[str, Any]) -> None:
        self.completed.append(batch)


@pytest.fixture
def stage(place: str) -> Stage:
    return Stage.create(service(Doubling), place)


def model(stage: Stage) -> Doubling:
    found = stage.service.pipeline.model
    assert isinstance(found, Doubling)
    return found


def rows(count: int, first: int = 100) -> list[dict[str, Any]]:
    return [{"id": f"k{number}", "x": number, "sex": 1 + number % 2} for number in range(first, first + count)]


def expected(given: list[dict[str, Any]]) -> dict[str, Any]:
    return {row["id"]: {"double": 2.0 * row["x"]} for row in given}


def parquet(given: list[dict[str, Any]]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(given), sink, row_group_size=30)
    return bytes(sink.getvalue())


FILES: dict[str, Any] = {
    "rows.csv": csv_text,
    "rows.csv.gz": lambda given: gzip.compress(csv_text(given)),
    "rows.jsonl": lambda given: b"".join(json.dumps(row).encode() + b"\n" for row in given),
    "rows.jsonl.gz": lambda given: gzip.compress(b"\n".join(json.dumps(row).encode() for row in given)),
    "rows.parquet": parquet,
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("load", ["write", "import"])
def test_every_row_of_every_format_is_in_the_active_generation_once(stage: Stage, name: str, load: str) -> None:
    given = rows(100)
    batch = stage.create_batch(stage.put(name, FILES[name](given)), chunk_rows=30, load=load)
    record = stage.run(batch)
    assert (record.state, record.rows_done, record.rows_failed, record.problem) == ("DONE", 100, 0, None)
    assert stage.predictions(batch) == expected(given)
    active = stage.worker.generations.active(batch.model)
    assert active is not None
    assert (active.generation, active.rows, active.previous) == (batch.id, 100, None)


def test_columns_that_the_contract_does_not_name_are_ignored_and_passed_ones_are_kept(stage: Stage) -> None:
    given = [{**row, "town": "Ulm", "note": 'a,\n"b"'} for row in rows(5)]
    batch = stage.create_batch(stage.put("a.csv", csv_text(given)), passed=["town", "x"])
    record = stage.run(batch)
    assert record.state == "DONE", (record, stage.rejected(batch))
    passed = {key: json.loads(item["passed"]) for (_, key), item in stage.items().items()}
    assert passed == {row["id"]: {"town": "Ulm", "x": str(row["x"])} for row in given}


def test_rejected_rows_have_their_reasons_and_do_not_stop_the_batch(stage: Stage) -> None:
    given: list[dict[str, Any]] = rows(100)
    given[3]["x"], given[40]["x"], given[41]["sex"], given[99]["id"] = -1, 13, 5, ""
    batch = stage.create_batch(stage.put("a.csv", csv_text(given)), chunk_rows=20)
    record = stage.run(batch)
    assert (record.state, record.rows_done, record.rows_failed) == ("DONE", 96, 4)
    rejected = {line["row"]: line for line in stage.rejected(batch)}
    assert set(rejected) == {3, 40, 41, 99}
    assert (rejected[3]["field"], rejected[3]["key"]) == ("x", "k103")
    assert "secret" not in rejected[40]["reason"]
    assert rejected[41]["field"] == "sex"
    assert rejected[99]["key"] in {"", None}
    assert "KeyError" in str([error.__cause__.__class__.__name__ for error in stage.errors])


def test_too_many_rejected_rows_stop_the_batch_early_and_the_active_generation_stays(stage: Stage) -> None:
    first = stage.create_batch(stage.put("good.csv", csv_text(rows(5))))
    stage.run(first)
    given = [{"id": f"k{number}", "x": -1, "sex": 1} for number in range(3_000)]
    begun: list[int] = []
    batch = stage.create_batch(stage.put("bad.csv", csv_text(given)), chunk_rows=500)
    record = stage.run(batch, begun.append)
    assert record.state == "FAILED"
    assert record.problem is not None
    assert "rows were rejected" in record.problem["detail"]
    assert record.rows_failed < 3_000
    active = stage.worker.generations.active(batch.model)
    assert active is not None
    assert active.generation == first.id


def test_a_chunk_that_runs_twice_counts_once(stage: Stage) -> None:
    given = rows(60)
    batch = stage.create_batch(stage.put("a.csv", csv_text(given)), chunk_rows=20)
    plan = stage.step("plan", batch)
    lines = stage.worker.objects.read(f"s3://{plan['bucket']}/{plan['key']}").splitlines()
    for line in [*lines, *lines]:
        stage.step("chunk", batch, chunk=json.loads(line))
    assert stage.step("finish", batch)["state"] == "DONE"
    record = stage.record(batch)
    assert (record.rows_done, record.chunks_done) == (60, plan["chunks"])
    assert stage.predictions(batch) == expected(given)


def test_the_record_says_which_load_was_chosen_and_why(stage: Stage) -> None:
    url = stage.put("a.csv", csv_text(rows(60)))
    record = stage.run(stage.create_batch(url, load="auto"))
    prices = "60 rows; writing them costs $0.00, importing them $0.00"
    assert (record.load, record.load_reason) == ("write", f"write: {prices}")
    zipped = stage.put("a.csv.gz", gzip.compress(csv_text(rows(60))))
    record = stage.run(stage.create_batch(zipped, load="import"))
    assert (record.load, record.load_reason) == ("import", f"import, as asked for: about {prices}")
    files = stage.create_batch(url, table=False, results=f"{stage.url}/out")
    assert stage.run(files).load_reason is None


def test_an_error_that_may_pass_is_tried_again_and_no_row_is_lost(stage: Stage) -> None:
    given = rows(60)
    model(stage).failures = 2
    batch = stage.create_batch(stage.put("a.csv", csv_text(given)), chunk_rows=20)
    assert stage.run(batch).state == "DONE"
    assert stage.predictions(batch) == expected(given)


def test_a_chunk_that_keeps_failing_fails_the_batch_and_resume_runs_only_what_is_missing(stage: Stage) -> None:
    given = rows(60)
    batch = stage.create_batch(stage.put("a.csv", csv_text(given)), chunk_rows=20)
    numbers: list[int] = []

    def break_the_second(number: int) -> None:
        numbers.append(number)
        model(stage).failures = 3 if len(numbers) == 2 else 0

    record = stage.run(batch, break_the_second)
    assert record.state == "FAILED"
    assert record.problem is not None
    assert "1 of" in record.problem["detail"]
    assert stage.worker.generations.active(batch.model) is None
    again: list[int] = []
    resumed = stage.worker.batches.resume(batch.model, batch.id)
    assert stage.run(resumed, again.append).state == "DONE"
    assert again == [numbers[1]]
    assert stage.predictions(batch) == expected(given)
    assert [each["state"] for each in model(stage).completed] == ["FAILED", "DONE"]


def test_a_cancelled_batch_does_no_further_chunk_and_resumes(stage: Stage) -> None:
    given = rows(60)
    batch = stage.create_batch(stage.put("a.csv", csv_text(given)), chunk_rows=20)

    def cancel(number: int) -> None:
        if number == 1:
            stage.worker.batches.cancel(batch.model, batch.id)

    record = stage.run(batch, cancel)
    assert (record.state, record.chunks_done) == ("CANCELLED", 1)
    resumed = stage.worker.batches.resume(batch.model, batch.id)
    assert stage.run(resumed).state == "DONE"
    assert stage.predictions(batch) == expected(given)


def test_a_batch_that_is_cancelled_during_its_plan_starts_no_chunk(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = stage.create_batch(stage.put("a.csv", csv_text(rows(60))), chunk_rows=20)
    objects = stage.worker.objects
    put = objects.put

    def cancel(url: str, data: bytes) -> None:
        put(url, data)
        if stage.record(batch).state == "PLANNING":
            stage.worker.batches.cancel(batch.model, batch.id)

    monkeypatch.setattr(objects, "put", cancel)
    assert stage.step("plan", batch)["chunks"] == 0
    assert stage.record(batch).state == "CANCELLED"


def test_an_input_that_changes_fails_by_name(stage: Stage) -> None:
    url = stage.put("a.csv", csv_text(rows(60)))
    batch = stage.create_batch(url, chunk_rows=20)

    def change(number: int) -> None:
        if number == 1:
            stage.put("a.csv", csv_text(rows(60, first=500)))

    record = stage.run(batch, change)
    assert record.state == "FAILED"
    errors = stage.worker.batches.progress(record).errors
    assert errors
    assert all("a.csv has changed" in error.problem["detail"] for error in errors)


@pytest.mark.parametrize("load", ["write", "import"])
def test_keys_that_repeat_are_refused_before_they_are_visible(stage: Stage, load: str) -> None:
    given = [*rows(50), *rows(1)]
    batch = stage.create_batch(stage.put("a.csv", csv_text(given)), chunk_rows=20, load=load)
    record = stage.run(batch)
    assert record.state == "FAILED"
    assert record.problem is not None
    assert "1 rows repeat the key" in record.problem["detail"] or "repeats" in record.problem["detail"]
    assert stage.worker.generations.active(batch.model) is None


@pytest.mark.parametrize("load", ["write", "import"])
def test_of_keys_that_repeat_the_last_row_wins_if_the_model_says_so(place: str, load: str) -> None:
    stage = Stage.create(service(Doubling), place, duplicates="last")
    given = [*rows(50), *({**row, "x": row["x"] + 1000} for row in rows(10)), {"id": "k100", "x": 1, "sex": 1}]
    batch = stage.create_batch(stage.put("a.csv", csv_text(given)), chunk_rows=20, load=load)
    plan = stage.step("plan", batch)
    lines = stage.worker.objects.read(f"s3://{plan['bucket']}/{plan['key']}").splitlines()
    for line in reversed(lines):  # chunks end in any order
        stage.step("chunk", batch, chunk=json.loads(line))
    while stage.step("finish", batch)["state"] == "LOADING":
        pass
    record = stage.record(batch)
    assert (record.state, record.repeated) == ("DONE", 11)
    assert stage.predictions(batch) == expected(given)


def test_results_go_to_files_beside_the_table_or_instead_of_it(stage: Stage) -> None:
    given = rows(60)
    url = stage.put("a.csv", csv_text(given))
    for format_, table in (("parquet", True), ("jsonl", False)):
        folder = f"{stage.url}/out"
        batch = stage.create_batch(url, chunk_rows=20, results=folder, results_format=format_, table=table)
        assert stage.run(batch).state == "DONE"
        found = stage.worker.objects.below(f"{folder}/{batch.id}")
        assert len(found) == 3
        data = [stage.worker.objects.read(each) for each in found]
        if format_ == "parquet":
            lines = [row for each in data for row in pq.read_table(pa.BufferReader(each)).to_pylist()]
            assert {row["id"]: {"double": row["double"]} for row in lines} == expected(given)
        else:
            lines = [json.loads(line) for each in data for line in gzip.decompress(each).splitlines()]
            assert {row["id"]: row["prediction"] for row in lines} == expected(given)
            assert stage.predictions(batch) == {}


def test_generations_replace_each_other_and_the_one_before_the_last_is_deleted(stage: Stage) -> None:
    url = stage.put("a.csv", csv_text(rows(5)))
    batches = []
    for _ in range(3):
        batches.append(stage.create_batch(url))
        assert stage.run(batches[-1]).state == "DONE"
    generations = {generation for generation, _ in stage.items()}
    assert generations == {batches[1].id, batches[2].id}
    assert stage.worker.generations.rollback("tiny").generation == batches[1].id


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"id,x,sex\n", "have no rows"),
        ("a.csv", b"", "no rows"),
        ("a.jsonl", b"\n\n", "no rows"),
        ("a.csv", b"\x00\x01\x02" * 50, "a.csv"),
        ("a.csv", b"name,x,sex\na,1,1\n", "id"),
        ("a.parquet", b"PAR1 is what it begins with", "a.parquet"),
        ("a.csv.gz", b"id,x\n1,2\n", "a.csv.gz"),
        ("a.dat", b"id,x\n", "format"),
    ],
)
def test_an_input_that_is_none_is_one_clear_problem(stage: Stage, name: str, data: bytes, said: str) -> None:
    record = stage.run(stage.create_batch(stage.put(name, data)))
    details = [record.problem["detail"] if record.problem else ""]
    details += [error.problem["detail"] for error in stage.worker.batches.progress(record).errors]
    assert record.state == "FAILED"
    assert said in " ".join(details)


def test_a_missing_input_is_one_clear_problem(stage: Stage) -> None:
    record = stage.run(stage.create_batch(f"{stage.url}/inputs/none*.csv"))
    assert record.state == "FAILED"
    assert record.problem is not None
    assert "none*.csv" in record.problem["detail"]
