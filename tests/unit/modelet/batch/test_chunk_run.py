"""A worker notices in the middle of a chunk that the chunk is not wanted any more, and leaves no trace of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from modelet.batch import chunk_run
from modelet.batch.outputs.writer import SignedWriter
from modelet.batch.plan import from_lines
from modelet.batch.record import BatchRecord
from modelet.batch.records import Batches
from modelet.errors import StoreError
from support.batches import Stage, csv_text
from support.doubling import doubling_stage, last_of_each, model_of

ROWS = [{"id": f"k{number}", "x": number} for number in range(100)]


@pytest.fixture
def stage(place: str) -> Stage:
    return doubling_stage(place)


def run(stage: Stage, batch: BatchRecord) -> None:
    """Run the only chunk of a batch."""
    (chunk,) = from_lines(stage.worker.objects.read(stage.worker.files(batch.id).plan))
    stage.step("chunk", batch, chunk=chunk.to_json())


def planned(stage: Stage, **request: Any) -> BatchRecord:
    batch = stage.create_batch(stage.put("a.csv", csv_text(ROWS)), load="write", **request)
    stage.step("plan", batch)
    return stage.record(batch)


def in_the_call(stage: Stage, number: int, act: Callable[[], object]) -> list[int]:
    """Let the model act in its call of this number; returns a list that grows with each call."""
    calls: list[int] = []

    def before(_inputs: object) -> None:
        calls.append(len(calls) + 1)
        if len(calls) == number:
            act()

    model_of(stage).before = before
    return calls


def files(stage: Stage, batch: BatchRecord) -> list[str]:
    folders = ("keys", "import", "rejected")
    root = stage.worker.files(batch.id).root
    return [found.url for folder in folders for found in stage.worker.objects.below(f"{root}/{folder}")]


@pytest.mark.parametrize("ended", ["cancelled", "resumed", "stopped"])
def test_a_chunk_stops_between_two_pieces_and_is_not_recorded(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, ended: str
) -> None:
    monkeypatch.setattr(chunk_run, "LOOK_S", 0.0)
    batch = planned(stage, results=f"{stage.url}/out")

    def end() -> None:
        if ended == "stopped":
            stage.worker.batches._set(batch, "SET #stopped = :reason", {"reason": "too many rows were rejected"})
            return
        stage.worker.batches.cancel(batch.model, batch.id)
        if ended == "resumed":
            stage.step("plan", stage.worker.batches.resume(batch.model, batch.id))

    calls = in_the_call(stage, 3, end)
    run(stage, batch)
    record = stage.record(batch)
    assert calls == [1, 2, 3]
    assert (record.chunks_done, record.chunks_failed, record.rows_done) == (0, 0, 0)
    assert record.begun == 0, "it writes no rows any more"
    assert not {key for _, key in stage.items()} & {row["id"] for row in ROWS[20:]}, "it looked before it wrote"
    assert files(stage, batch) == []
    assert stage.worker.objects.below(f"{stage.url}/out") == []


def test_the_record_is_not_read_again_for_each_piece(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = planned(stage)
    looks = 0
    get = Batches.get

    def counted(batches: Batches, model: str, id: str) -> BatchRecord:  # noqa: A002 - the field's name
        nonlocal looks
        looks += 1
        return get(batches, model, id)

    monkeypatch.setattr(Batches, "get", counted)
    monkeypatch.setattr(chunk_run, "LOOK_S", 3_600.0)
    run(stage, batch)
    assert looks == 2  # at the beginning, and before the files are put
    assert stage.record(batch).chunks_done == 1


def test_a_chunk_that_is_not_wanted_any_more_at_its_end_puts_no_files(stage: Stage) -> None:
    batch = planned(stage)
    calls = in_the_call(stage, 10, lambda: stage.worker.batches.cancel(batch.model, batch.id))
    run(stage, batch)
    assert len(calls) == 10
    assert files(stage, batch) == []
    assert stage.record(batch).chunks_done == 0
    resumed = stage.worker.batches.resume(batch.model, batch.id)
    stage.step("plan", resumed)
    run(stage, resumed)
    assert stage.step("finish", resumed)["state"] == "DONE"
    assert stage.predictions(batch) == last_of_each(ROWS)


def test_a_look_that_fails_does_not_end_the_chunk(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_run, "LOOK_S", 0.0)
    batch = planned(stage)
    get, calls = Batches.get, 0

    def failing(batches: Batches, model: str, id: str) -> BatchRecord:  # noqa: A002 - the field's name
        nonlocal calls
        calls += 1
        if calls > 1:
            raise StoreError("DynamoDB does not answer")
        return get(batches, model, id)

    with monkeypatch.context() as broken:
        broken.setattr(Batches, "get", failing)
        run(stage, batch)
    assert calls > 5
    assert stage.record(batch).chunks_done == 1


def test_runs_that_go_on_or_were_killed_are_counted_beside_one_for_each_chunk_that_is_done(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = planned(stage)
    counts: list[int] = []
    in_the_call(stage, 1, lambda: counts.append(stage.record(batch).begun))
    with monkeypatch.context() as broken:
        broken.setattr(SignedWriter, "write", fails)
        with pytest.raises(StoreError):
            run(stage, batch)
    counts.append(stage.record(batch).begun)
    for _ in range(2):
        run(stage, batch)
        counts.append(stage.record(batch).begun)
    assert counts == [1, 0, 1, 1]
    stage.worker.batches.set_state(batch, ("RUNNING",), "FINISHING")
    assert not stage.worker.batches.begin_chunk(batch)


def fails(*_: Any) -> None:
    raise StoreError("DynamoDB does not answer")


def test_keys_are_kept_for_result_files_too(stage: Stage) -> None:
    batch = planned(stage, results=f"{stage.url}/out", table=False)
    run(stage, batch)
    assert files(stage, batch) == [stage.worker.files(batch.id).keys(0)]


@pytest.mark.parametrize("load", ["write", "import"])
def test_a_row_that_the_table_refuses_is_not_in_the_result_file_and_counts_once(stage: Stage, load: str) -> None:
    large = {"id": "large", "x": 1, "note": "n" * 410_000}
    rows = [{"note": "", **row} for row in (*ROWS[:15], large, {"id": "k7", "x": -1}, *ROWS[15:30])]
    request: dict[str, Any] = {"results": f"{stage.url}/out", "results_format": "jsonl", "passed": ["note"]}
    batch = stage.create_batch(stage.put("a.csv", csv_text(rows)), load=load, tolerated=1, **request)
    stage.step("plan", batch)
    run(stage, batch)
    (found,) = stage.worker.objects.below(f"{stage.url}/out")
    lines = gzip.decompress(stage.worker.objects.read(found)).splitlines()
    assert [json.loads(line)["id"] for line in lines] == [row["id"] for row in ROWS[:30]]
    record = stage.record(batch)
    assert (record.rows_done, record.rows_failed) == (30, 2)
    assert [line["row"] for line in stage.rejected(batch)] == [15, 16]
