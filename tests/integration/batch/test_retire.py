"""Old generations are deleted in bounded steps after a batch, or expire by themselves; what is read stays."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest

from modelet.batch import deletion, retire
from modelet.batch.deletion import Deletion
from modelet.batch.dynamodb import Table
from modelet.batch.lifetimes import DAY_S
from modelet.batch.record import BatchRecord
from modelet.errors import StoreError
from support.batches import Stage, csv_text
from support.doubling import doubling_stage


@pytest.fixture
def stage(place: str, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage whose workers write nothing after their batch has ended, and delete in small pages."""
    monkeypatch.setattr(retire, "LATE_S", -1)
    monkeypatch.setattr(deletion, "PAGE_ITEMS", 2)
    return doubling_stage(place)


def put(stage: Stage, count: int = 5) -> str:
    return stage.put("a.csv", csv_text([{"id": f"k{number}", "x": number} for number in range(count)]))


def generations(stage: Stage) -> set[str]:
    """The generations that have rows in the model's own table."""
    return {generation for generation, _ in stage.items()}


def scans(stage: Stage) -> list[str]:
    """The tables that are read from now on."""
    seen: list[str] = []
    stage.worker.dynamodb.meta.events.register(
        "provide-client-params.dynamodb.Scan", lambda params, **_: seen.append(params["TableName"])
    )
    return seen


def deleted(stage: Stage) -> Deletion:
    return Deletion.read(Table(stage.worker.dynamodb, stage.settings.control_table), stage.service.name)


def run_until_done(stage: Stage, batch: BatchRecord) -> None:
    """Run a batch up to its last step, which then has no time at all."""
    plan = stage.step("plan", batch)
    for line in stage.worker.objects.read(f"s3://{plan['bucket']}/{plan['key']}").splitlines():
        stage.step("chunk", batch, chunk=json.loads(line))


def finished_briefly(stage: Stage, batch: BatchRecord) -> str:
    """Call the last step once, with hardly any time, and return what it answers."""
    return str(stage.step("finish", batch, remaining=0.001)["state"])


def loaded_briefly(stage: Stage, batch: BatchRecord) -> str:
    """Call the last step, with hardly any time, until the batch is done and announced; return its last answer."""
    for _ in range(50):
        state, record = finished_briefly(stage, batch), stage.record(batch)
        if record.state == "DONE" and record.notified:
            return state
    raise AssertionError(stage.record(batch))


def test_a_large_active_generation_does_not_keep_the_old_ones_from_being_deleted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With so little time, a read that began anew in each call would never get through the rows that stay."""
    monkeypatch.setattr(retire, "MOST_CALLS", 60)
    url = put(stage, 100)
    old, previous, active = (stage.create_batch(url) for _ in range(3))
    for batch in (old, previous):
        assert stage.run(batch).state == "DONE"
    run_until_done(stage, active)
    states = [loaded_briefly(stage, active)]
    while states[-1] == "LOADING":
        assert stage.record(active).state == "DONE", "whoever waits for the batch is told before the old rows are gone"
        assert stage.record(active).notified
        states.append(finished_briefly(stage, active))
    assert len(states) > 3
    assert states[-1] == "DONE"
    assert generations(stage) == {previous.id, active.id}
    assert len(stage.items()) == 200
    assert deleted(stage).deleted == previous.id


def test_what_is_left_after_some_calls_is_deleted_after_the_next_batches(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retire, "MOST_CALLS", 2)
    url = put(stage, 60)
    batches = [stage.create_batch(url) for _ in range(3)]
    for batch in batches[:2]:
        stage.run(batch)
    run_until_done(stage, batches[2])
    states = [loaded_briefly(stage, batches[2]), *(finished_briefly(stage, batches[2]) for _ in range(2))]
    assert states == ["LOADING", "DONE", "DONE"]
    assert batches[0].id in generations(stage)
    assert deleted(stage).parts
    later = stage.create_batch(url)
    run_until_done(stage, later)
    assert stage.step("finish", later)["state"] == "DONE", "without a limit of time, one call does the rest"
    assert generations(stage) == {batches[2].id, later.id}
    assert deleted(stage).deleted == batches[2].id


def test_rows_that_expire_are_left_to_dynamodb_and_the_table_is_not_read(place: str, stage: Stage) -> None:
    url = put(stage)
    first, second = (stage.run(stage.create_batch(url)) for _ in range(2))
    read = scans(stage)
    third, fourth, fifth = (stage.run(stage.create_batch(url, expires_days=2)) for _ in range(3))
    assert set(read) == {stage.settings.prediction_table}, "the rows without a time are deleted once"
    assert deleted(stage).deleted >= second.id
    del read[:]
    sixth = stage.run(stage.create_batch(url, expires_days=2))
    assert read == []
    assert deleted(stage).deleted == fifth.id
    items = stage.items()
    assert {generation for generation, _ in items} == {third.id, fourth.id, fifth.id, sixth.id}
    assert {items[each.id, "k1"]["expires_at"] for each in (third,)} == {str(int(third.created) + 2 * DAY_S)}
    active = stage.worker.generations.active(first.model)
    assert active is not None
    assert (active.until, active.previous_until) == (sixth.predictions_until, fifth.predictions_until)


@pytest.mark.parametrize("load", ["write", "import"])
def test_all_rows_of_a_batch_expire_at_one_time_also_those_of_a_later_attempt(place: str, load: str) -> None:
    stage = doubling_stage(place, duplicates="last")
    given = [{"id": f"k{number}", "x": number} for number in range(40)]
    url = stage.put("a.csv", csv_text([*given, {"id": "k1", "x": 7}]))
    batch = stage.create_batch(url, load=load, chunk_rows=10, expires_days=3)

    def cancel(number: int) -> None:
        if number == 2:
            stage.worker.batches.cancel(batch.model, batch.id)

    assert stage.run(batch, cancel).state == "CANCELLED"
    record = stage.run(stage.worker.batches.resume(batch.model, batch.id))
    assert record.state == "DONE"
    active = stage.worker.generations.active(batch.model)
    assert active is not None
    items = stage.items(active.table)
    assert len(items) == 40
    assert {item["expires_at"] for item in items.values()} == {str(int(batch.created) + 3 * DAY_S)}
    assert active.until == int(batch.created) + 3 * DAY_S


def test_a_batch_whose_predictions_have_expired_before_its_end_fails_by_name(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = stage.run(stage.create_batch(put(stage)))
    batch = stage.create_batch(put(stage), expires_days=1)
    run_until_done(stage, batch)
    monkeypatch.setattr(stage.worker.generations, "_clock", lambda: time.time() + 2 * DAY_S)
    stage.step("finish", batch)
    record = stage.record(batch)
    assert record.state == "FAILED"
    assert record.problem is not None
    assert "its predictions expired at" in record.problem["detail"]
    active = stage.worker.generations.active(batch.model)
    assert active is not None
    assert active.generation == first.id


def test_imported_tables_are_deleted_whole_whether_they_expire_or_not(stage: Stage) -> None:
    url = put(stage)
    batches = [stage.run(stage.create_batch(url, load="import", expires_days=days)) for days in (None, 2, 2, 2)]
    tables = {
        name
        for name in boto3.client("dynamodb").list_tables()["TableNames"]
        if name.startswith(stage.settings.import_prefix)
    }
    assert tables == {f"{stage.settings.import_prefix}{batch.id}-1" for batch in batches[2:]}


def test_a_table_whose_record_has_expired_is_deleted_too(stage: Stage) -> None:
    url = put(stage)
    first, _ = (stage.run(stage.create_batch(url, load="import")) for _ in range(2))
    for key in (f"batch#{first.model}#{first.id}",):
        stage.worker.dynamodb.delete_item(
            TableName=stage.settings.control_table, Key={"pk": {"S": key}, "sk": {"S": "batch"}}
        )
    stage.run(stage.create_batch(url, load="import"))
    names = boto3.client("dynamodb").list_tables()["TableNames"]
    assert f"{stage.settings.import_prefix}{first.id}-1" not in names


def test_rows_of_a_batch_that_ends_late_are_deleted_after_it(stage: Stage) -> None:
    url = put(stage)
    late = stage.create_batch(url)
    run_until_done(stage, late)
    newer = [stage.run(stage.create_batch(url)) for _ in range(3)]
    assert deleted(stage).deleted == late.id, "it is not told to be gone while it may still write"
    assert stage.step("finish", late)["state"] == "FAILED"
    last = stage.run(stage.create_batch(url))
    assert generations(stage) == {newer[-1].id, last.id}
    assert deleted(stage).deleted == newer[-1].id


def test_a_batch_is_done_although_dynamodb_does_not_delete(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    url = put(stage)
    for _ in range(2):
        stage.run(stage.create_batch(url))

    def throttle(*_: Any, **__: Any) -> None:
        raise StoreError("DynamoDB throttles")

    batch = stage.create_batch(url)
    with monkeypatch.context() as patch:
        patch.setattr(Table, "delete_many", throttle)
        assert stage.run(batch).state == "DONE"
    assert any("old predictions were not deleted" in str(error) for error in stage.errors)
    last = stage.run(stage.create_batch(url))
    assert generations(stage) == {batch.id, last.id}
