"""Faults while batches run: no row is lost, none is doubled, no reader sees two generations, and the record is true."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from modelet.batch import clients
from modelet.batch.chunk import Chunk
from modelet.batch.dynamodb import Write
from modelet.batch.errors import StepError
from modelet.batch.lookup import Lookup
from modelet.batch.plan import from_lines
from modelet.batch.record import BatchRecord
from modelet.batch.table import batch_key
from support.batches import Stage, csv_text
from support.repository import ROOT
from support.services import service
from support.waiting import Waiting, waiting_stage

from .test_worker import expected, rows

TESTS = ROOT / "tests"


@pytest.fixture
def stage(place: str) -> Stage:
    made = Stage.create(service(Waiting), place)
    return waiting_stage(made.url, made.settings)


def planned(stage: Stage, given: list[dict[str, Any]], name: str, **request: Any) -> tuple[BatchRecord, list[Chunk]]:
    batch = stage.create_batch(stage.put(name, csv_text(given)), chunk_rows=20, **request)
    plan = stage.step("plan", batch)
    return batch, from_lines(stage.worker.objects.read(f"s3://{plan['bucket']}/{plan['key']}"))


def run_chunk(stage: Stage, batch: BatchRecord, chunk: Chunk) -> None:
    stage.step("chunk", batch, chunk=chunk.to_json())


def finished(stage: Stage, batch: BatchRecord) -> BatchRecord:
    while stage.step("finish", batch)["state"] == "LOADING":
        pass
    return stage.record(batch)


@pytest.mark.parametrize("load", ["write", "import"])
@pytest.mark.parametrize("attempt", range(3))
def test_a_worker_that_is_killed_in_the_middle_of_a_chunk_loses_and_doubles_nothing(
    stage: Stage, tmp_path: Path, load: str, attempt: int
) -> None:
    given = rows(60)
    batch, chunks = planned(stage, given, "a.csv", load=load)
    gate = tmp_path / "gate"
    gate.touch()
    settings: dict[str, Any] = {"url": stage.url, "settings": stage.settings, "gate": str(gate), "batch": batch.id}
    with subprocess.Popen([sys.executable, "-m", "support.waiting"], cwd=TESTS, stdin=subprocess.PIPE) as worker:
        assert worker.stdin is not None
        worker.stdin.write(json.dumps({**settings, "chunk": chunks[attempt].to_json()}).encode())
        worker.stdin.close()
        until = time.monotonic() + 60
        while not (tmp_path / "waits").exists() and time.monotonic() < until:
            time.sleep(0.02)
        worker.kill()
    assert (tmp_path / "waits").exists()
    record = stage.record(batch)
    assert (record.state, record.chunks_done, record.rows_done) == ("RUNNING", 0, 0)
    for chunk in chunks:
        run_chunk(stage, batch, chunk)
    record = finished(stage, batch)
    assert (record.state, record.rows_done) == ("DONE", 60)
    assert stage.predictions(batch) == expected(given)


@pytest.mark.parametrize("newer_first", [False, True])
def test_two_batches_at_once_are_two_generations_and_the_newer_one_stays_active(
    stage: Stage, newer_first: bool
) -> None:
    old_rows, new_rows = rows(60), [{**row, "x": row["x"] + 500} for row in rows(60)]
    old, old_chunks = planned(stage, old_rows, "old.csv")
    new, new_chunks = planned(stage, new_rows, "new.csv")
    for mine, theirs in zip(old_chunks, new_chunks, strict=True):
        run_chunk(stage, old, mine)
        run_chunk(stage, new, theirs)
    order = [new, old] if newer_first else [old, new]
    states = {batch.id: finished(stage, batch) for batch in order}
    assert states[new.id].state == "DONE"
    active = stage.worker.generations.active("tiny")
    assert active is not None
    assert active.generation == new.id
    assert stage.predictions(new) == expected(new_rows)
    if newer_first:
        assert states[old.id].state == "FAILED"
        assert "is newer" in str(states[old.id].problem)
    else:
        assert states[old.id].state == "DONE"
        assert active.previous == old.id


def test_a_file_of_an_import_that_is_damaged_fails_the_batch_and_the_active_generation_stays(stage: Stage) -> None:
    first = stage.create_batch(stage.put("good.csv", csv_text(rows(5))))
    stage.run(first)
    batch, chunks = planned(stage, rows(60), "a.csv", load="import")
    for chunk in chunks:
        run_chunk(stage, batch, chunk)
    stage.worker.objects.put(
        stage.worker.files(batch.id).items(1), gzip.compress(b'{"Item":{"generation":{"S":"g"}}}\n')
    )
    record = finished(stage, batch)
    assert record.state == "FAILED"
    assert record.problem is not None
    assert "import" in record.problem["detail"]
    active = stage.worker.generations.active("tiny")
    assert active is not None
    assert active.generation == first.id


@pytest.mark.parametrize("load", ["write", "import"])
def test_a_reader_during_switches_and_rollbacks_sees_one_whole_generation(stage: Stage, load: str) -> None:
    keys = [row["id"] for row in rows(40)]
    versions = [[{**row, "x": row["x"] + 1000 * turn} for row in rows(40)] for turn in range(3)]
    wanted = [expected(each) for each in versions]
    first = stage.create_batch(stage.put("0.csv", csv_text(versions[0])), load=load)
    assert stage.run(first).state == "DONE"
    seen: list[dict[str, Any]] = []
    generations: list[tuple[str, set[str]]] = []
    stop = threading.Event()

    def read() -> None:
        lookup = Lookup(boto3.client("dynamodb"), stage.settings.control_table)
        while not stop.is_set():
            lookup._read.clear()  # as an environment does after two seconds
            found = lookup.get("tiny", keys)
            assert found.generation is not None
            seen.append({key: each.value for key, each in found.predictions.items()})
            generations.append((found.generation.generation, {each.source for each in found.predictions.values()}))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in (1, 2):
        batch = stage.create_batch(stage.put(f"{turn}.csv", csv_text(versions[turn])), chunk_rows=10, load=load)
        assert stage.run(batch).state == "DONE"
        stage.worker.generations.rollback("tiny")
        stage.worker.generations.rollback("tiny")
    stop.set()
    reader.join()
    assert len(seen) > 20
    assert all(each in wanted for each in seen)
    assert len({generation for generation, _ in generations}) == 3


def test_what_was_running_when_everything_stopped_is_resumed(stage: Stage) -> None:
    """The state machine is gone with the emulator; the control table says what is missing."""
    given = rows(60)
    batch, chunks = planned(stage, given, "a.csv")
    run_chunk(stage, batch, chunks[1])
    stage.worker.batches.cancel("tiny", batch.id)
    clients.client.cache_clear()
    again = Stage(stage.service, stage.url, stage.settings)
    numbers: list[int] = []
    record = again.run(again.worker.batches.resume("tiny", batch.id), numbers.append)
    assert (record.state, record.rows_done, numbers) == ("DONE", 60, [0, 2])
    assert again.predictions(batch) == expected(given)


def test_a_late_run_of_an_earlier_attempt_changes_nothing(stage: Stage) -> None:
    given = rows(60)
    batch, chunks = planned(stage, given, "a.csv")
    stage.worker.batches.cancel("tiny", batch.id)
    resumed = stage.worker.batches.resume("tiny", batch.id)
    run_chunk(stage, batch, chunks[0])
    assert stage.record(batch).chunks_done == 0
    assert stage.run(resumed).state == "DONE"
    assert json.loads(json.dumps(stage.predictions(batch))) == expected(given)


def test_a_late_finish_of_an_earlier_attempt_leaves_the_later_one_alone(stage: Stage) -> None:
    given = rows(60)
    batch, _ = planned(stage, given, "a.csv")
    stage.worker.batches.cancel("tiny", batch.id)
    resumed = stage.worker.batches.resume("tiny", batch.id)
    stage.step("plan", resumed)
    assert stage.step("finish", batch, cause={"Error": "States.Timeout"})["state"] == "REPLACED"
    assert stage.record(batch).state == "RUNNING"
    assert stage.run(resumed).state == "DONE"
    assert stage.predictions(batch) == expected(given)


def test_a_batch_whose_files_have_expired_fails_with_the_remedy(stage: Stage) -> None:
    batch, chunks = planned(stage, rows(60), "a.csv")
    run_chunk(stage, batch, chunks[0])
    stage.worker.batches.cancel("tiny", batch.id)
    resumed = stage.worker.batches.resume("tiny", batch.id)
    stage.worker.objects.delete(stage.worker.files(batch.id).plan)
    record = stage.run(resumed)
    assert record.state == "FAILED"
    assert "start a new batch" in str(record.problem)


@pytest.mark.parametrize("load", ["write", "import"])
def test_the_last_row_of_a_key_wins_in_small_pieces_too(place: str, load: str) -> None:
    made = Stage.create(service(Waiting), place, duplicates="last")
    stage = waiting_stage(made.url, made.settings)
    given = [*rows(50), *({**row, "x": row["x"] + 1000} for row in rows(10))]
    batch = stage.create_batch(stage.put("a.csv", csv_text(given)), chunk_rows=30, load=load)
    record = stage.run(batch)
    assert (record.state, record.repeated, record.load) == ("DONE", 10, load)
    assert stage.predictions(batch) == expected(given)


@pytest.mark.parametrize("load", ["write", "import"])
def test_the_last_step_ends_with_time_for_one_piece_a_call(place: str, load: str) -> None:
    made = Stage.create(service(Waiting), place, duplicates="last")
    stage = waiting_stage(made.url, made.settings)
    given = [*rows(40), *({**row, "x": row["x"] + 1000} for row in rows(30))]
    batch, chunks = planned(stage, given, "a.csv", load=load)
    for chunk in reversed(chunks):
        run_chunk(stage, batch, chunk)
    seen = set()
    for _ in range(200):
        state = stage.step("finish", batch, 0.001)["state"]
        if state != "LOADING":
            break
        seen.add(stage.record(batch).rewritten)
    record = stage.record(batch)
    assert (state, record.repeated, record.rewritten) == ("DONE", 30, 30)
    assert len(seen) >= 3
    assert stage.predictions(batch) == expected(given)
    active = stage.worker.generations.active("tiny")
    assert active is not None
    assert active.rows == 40


def test_the_load_that_the_api_recorded_goes_before_the_number_of_rows(stage: Stage) -> None:
    """model.yaml's `load: import` is in the record; the request says nothing."""
    batch = stage.create_batch(stage.put("a.csv", csv_text(rows(5))))
    stage.worker.batches._table.write(
        Write(key=batch_key("tiny", batch.id), update="SET #load = :load", values={"load": "import"})
    )
    assert stage.run(batch).load == "import"
    active = stage.worker.generations.active("tiny")
    assert active is not None
    assert active.table == f"{stage.settings.import_prefix}{batch.id}-1"


@pytest.mark.parametrize("step", ["plan", "finish"])
def test_a_step_that_cannot_be_done_is_raised_so_that_the_state_machine_sees_it(stage: Stage, step: str) -> None:
    unknown = stage.create_batch(stage.put("a.csv", csv_text(rows(5))))._replace(id="unknown")
    with pytest.raises(StepError):
        stage.step(step, unknown)


def test_an_exception_that_nobody_foresaw_is_recorded_with_its_chunk(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, chunks = planned(stage, rows(60), "a.csv")

    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    with monkeypatch.context() as broken:
        broken.setattr("modelet.batch.chunk_run.KeyDigests.add", fail)
        run_chunk(stage, batch, chunks[0])
    for chunk in chunks[1:]:
        run_chunk(stage, batch, chunk)
    record = finished(stage, batch)
    assert record.state == "FAILED"
    (error,) = stage.worker.batches.progress(record).errors
    assert error.number == 0
    assert "secret" not in str(error.problem)
