"""The last step of a batch makes progress in each call, however little time it has, and ends with the right table."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelet.batch import finish, key_check, repeats
from modelet.batch.dynamodb import Write
from modelet.batch.keys import ENTRY
from modelet.batch.outputs.row import Row
from modelet.batch.outputs.writer import SignedWriter
from modelet.batch.plan import from_lines
from modelet.batch.record import BatchRecord
from modelet.batch.records import Batches
from modelet.batch.table import batch_key
from modelet.errors import StoreError
from modelet.store.objects import Found, Objects
from support.batches import Stage, csv_text
from support.doubling import doubling_stage, last_of_each, model_of

SHORT = 0.001
"""Seconds of a call that has time for one step only."""
TIMEOUT = 600.0
Fail = Callable[[], bool]
"""Whether the next operation fails."""


def rows_of(keys: list[str]) -> list[dict[str, Any]]:
    """Rows with these keys, all different."""
    return [{"id": key, "x": number} for number, key in enumerate(keys)]


def created(stage: Stage, given: list[dict[str, Any]], **request: Any) -> BatchRecord:
    return stage.create_batch(stage.put("a.csv", csv_text(given)), **{"chunk_rows": 10, "load": "write", **request})


def score(stage: Stage, batch: BatchRecord) -> BatchRecord:
    """Plan a batch and run its chunks, the last one first; returns the record."""
    stage.step("plan", batch)
    for chunk in reversed(from_lines(stage.worker.objects.read(stage.worker.files(batch.id).chunks(batch.attempt)))):
        stage.step("chunk", batch, chunk=chunk.to_json())
    return stage.record(batch)


def finished(stage: Stage, batch: BatchRecord, remaining: float | None = None) -> BatchRecord:
    """Call the last step until it ends, and return the record."""
    for _ in range(200):
        if stage.step("finish", batch, remaining)["state"] != "LOADING":
            return stage.record(batch)
    raise AssertionError("the batch does not end")


def change(stage: Stage, batch: BatchRecord, **fields: Any) -> None:
    """Change a record from outside."""
    update = "SET " + ", ".join(f"#{name} = :{name}" for name in fields)
    stage.worker.batches._table.write(Write(key=batch_key(batch.model, batch.id), update=update, values=fields))


class FailingObjects(Objects):
    def __init__(self, fail: Fail) -> None:
        super().__init__()
        self._fail = fail

    def read(self, found_or_url: Found | str, start: int | None = None, end: int | None = None) -> bytes:
        if self._fail():
            raise StoreError("the store does not answer")
        return super().read(found_or_url, start, end)

    def put(self, url: str, data: bytes) -> None:
        super().put(url, data)
        if self._fail():
            raise StoreError("the answer is lost")


class FailingBatches(Batches):
    fail: Fail

    def _set(self, record: BatchRecord, update: str, values: dict[str, Any]) -> None:
        super()._set(record, update, values)
        if self.fail():
            raise StoreError("the answer is lost")


class FailingWriter(SignedWriter):
    fail: Fail

    def close(self) -> None:
        super().close()
        if FailingWriter.fail():
            raise StoreError("DynamoDB did not take 1 rows")


@settings(max_examples=12)
@given(
    keys=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40),
    rejected=st.sets(st.integers(0, 39), max_size=5),
    faults=st.lists(st.booleans(), max_size=40),
    first_faults=st.booleans(),
)
def check_any_batch(stage: Stage, keys: list[str], rejected: set[int], faults: list[bool], first_faults: bool) -> None:
    """Finish a batch with time for one step a call and with faults, and compare the table with a dictionary."""
    given = rows_of(keys)
    for number in rejected & set(range(len(given) - 1)):
        given[number]["x"] = -1
    stage.worker.__dict__ |= {"objects": Objects(), "batches": Batches(stage.worker.dynamodb, control(stage))}
    batch = score(stage, created(stage, given, tolerated=1))
    script = iter([*([True] * 3 if first_faults else []), *faults])

    def fail() -> bool:
        return next(script, False)

    batches = FailingBatches(stage.worker.dynamodb, control(stage))
    batches.fail = FailingWriter.fail = fail
    stage.worker.__dict__ |= {"objects": FailingObjects(fail), "batches": batches}
    state, calls, errors = "LOADING", 0, 0
    while state == "LOADING":
        calls += 1
        try:
            state = stage.worker.finish({"model": batch.model, "id": batch.id, "attempt": 1}, None, SHORT)[0]["state"]
        except StoreError:
            errors += 1
        assert calls <= 20 + len(keys) + len(faults)
    record = stage.record(batch)
    expected = last_of_each(given)
    assert (record.state, record.problem) == ("DONE", None)
    assert stage.predictions(batch) == expected
    assert record.repeated == record.rows_done - len(expected)
    active = stage.worker.generations.active(batch.model)
    assert active is not None
    assert (active.generation, active.rows) == (batch.id, len(expected))


def control(stage: Stage) -> str:
    return stage.settings.control_table


def test_any_batch_ends_with_the_last_row_of_each_key(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_check, "SHARE", 1769 * 2**20 // (15 * ENTRY.itemsize))  # 15 keys in memory
    monkeypatch.setattr(key_check, "GROUP", 2)
    monkeypatch.setattr(repeats, "SignedWriter", FailingWriter)
    check_any_batch(doubling_stage(place, piece=5, duplicates="last"))


@pytest.mark.parametrize("duplicates", ["refuse", "last"])
def test_keys_are_checked_once_and_not_again_by_each_call(
    place: str, monkeypatch: pytest.MonkeyPatch, duplicates: str
) -> None:
    stage = doubling_stage(place, duplicates=duplicates)
    batch = score(stage, created(stage, rows_of(["a", "b"] if duplicates == "refuse" else ["a", "b"] * 15)))
    assert finished(stage, batch, SHORT).checked

    def fail(*_: object) -> None:
        raise AssertionError("the keys are checked again")

    monkeypatch.setattr(key_check.KeyCheck, "run", fail)
    change(stage, batch, state="LOADING")
    assert finished(stage, batch).state == "DONE"


def test_repeated_keys_are_refused_before_an_import_is_paid_for(place: str) -> None:
    stage = doubling_stage(place)
    batch = score(stage, created(stage, [*rows_of(["a", "b", "a"]), *rows_of(["c"])], load="import"))
    imported: list[Any] = []
    stage.worker.dynamodb.meta.events.register(
        "before-call.dynamodb.ImportTable", lambda **call: imported.append(call), unique_id="imported"
    )
    record = finished(stage, batch)
    assert record.state == "FAILED"
    assert record.problem is not None
    assert "1 rows repeat the key of another row, for example row 0 of" in record.problem["detail"]
    assert "a.csv and row 2 of" in record.problem["detail"]
    assert (record.repeated, record.import_arn, imported) == (1, None, [])


def test_a_refused_batch_that_is_resumed_is_refused_again_with_the_same_words(place: str) -> None:
    stage = doubling_stage(place)
    batch = score(stage, created(stage, rows_of(["a", "a"])))
    first = finished(stage, batch)
    again = stage.worker.batches.resume(batch.model, batch.id)
    stage.step("plan", again)
    assert finished(stage, again).problem == first.problem


@pytest.mark.parametrize("duplicates", ["refuse", "last"])
def test_keys_that_repeat_in_result_files_alone_are_refused_or_counted(place: str, duplicates: str) -> None:
    stage = doubling_stage(place, duplicates=duplicates)
    given = rows_of(["a", "b", "a", "a"])
    wanted: dict[str, Any] = {"results": f"{place}/out", "results_format": "jsonl", "table": False}
    batch = score(stage, created(stage, given, **wanted))
    record = finished(stage, batch)
    assert (record.state, record.repeated) == ("FAILED" if duplicates == "refuse" else "DONE", 2)
    (file,) = stage.worker.objects.below(f"{place}/out/{batch.id}")
    assert len(gzip.decompress(stage.worker.objects.read(file)).splitlines()) == 4
    assert stage.worker.generations.active(batch.model) is None


def test_rewriting_goes_on_behind_the_last_piece_that_was_written(place: str) -> None:
    stage = doubling_stage(place, piece=5, duplicates="last")
    given = rows_of([f"{number}" for number in range(30)] * 2)
    batch = score(stage, created(stage, given, chunk_rows=100))
    counts: list[int] = []
    scored = 0

    def count(_inputs: object) -> None:
        nonlocal scored
        scored += 1

    model_of(stage).before = count
    while stage.step("finish", batch, SHORT)["state"] == "LOADING" and len(counts) < 50:
        counts.append(stage.record(batch).rewritten)
    assert sorted(set(counts)) == [0, 5, 10, 15, 20, 25]
    assert scored == 6
    assert stage.predictions(batch) == last_of_each(given)


def late_row(stage: Stage, batch: BatchRecord, row: dict[str, Any]) -> None:
    """A worker of an earlier attempt writes a row."""
    with SignedWriter(stage.worker.dynamodb, stage.settings.prediction_table, batch.id) as writer:
        writer.write([Row(row["id"], 0, {"double": 2.0 * row["x"]})])


def test_a_late_write_of_an_earlier_attempt_does_not_replace_the_last_row(place: str) -> None:
    stage = doubling_stage(place, duplicates="last")
    given = rows_of([f"{number}" for number in range(10)] * 2)
    batch = created(stage, given)
    stage.step("plan", batch)
    assert stage.worker.batches.begin_chunk(batch)
    stage.worker.batches.cancel(batch.model, batch.id)
    batch = score(stage, stage.worker.batches.resume(batch.model, batch.id))
    for _ in range(5):
        assert stage.step("finish", batch, TIMEOUT)["state"] == "LOADING"
    record = stage.record(batch)
    assert (record.checked, record.repeated, record.rewritten) == (True, 10, 0)
    late_row(stage, batch, given[3])
    change(stage, batch, changed=time.time() - TIMEOUT)  # nearly: a call begins with a little less than the timeout
    assert stage.step("finish", batch, TIMEOUT)["state"] == "LOADING"
    change(stage, batch, changed=time.time() - TIMEOUT - finish.LATE_S)
    assert stage.step("finish", batch, TIMEOUT)["state"] == "DONE"
    assert stage.predictions(batch) == last_of_each(given)


def test_rows_are_rewritten_when_the_second_run_of_a_chunk_has_ended_and_not_before(place: str) -> None:
    """The state machine called a worker again, and the first call still runs."""
    stage = doubling_stage(place, duplicates="last")
    given = rows_of(["a", "b"] * 10)
    batch = created(stage, given)
    stage.step("plan", batch)
    assert stage.worker.batches.begin_chunk(batch)
    score(stage, batch)
    for _ in range(3):
        assert stage.step("finish", batch, TIMEOUT)["state"] == "LOADING"
    assert stage.record(batch).rewritten == 0
    late_row(stage, batch, given[0])
    stage.worker.batches.leave_chunk(batch)
    assert stage.step("finish", batch, TIMEOUT)["state"] == "DONE"
    assert stage.predictions(batch) == last_of_each(given)


def test_the_rows_of_keys_that_repeat_wait_for_nothing_if_no_chunk_ran_twice(place: str) -> None:
    stage = doubling_stage(place, duplicates="last")
    given = rows_of(["a", "b"] * 10)
    batch = score(stage, created(stage, given))
    assert stage.step("finish", batch, TIMEOUT)["state"] == "DONE"
    assert stage.predictions(batch) == last_of_each(given)


@pytest.mark.parametrize("fault", ["cause", "none"])
def test_a_batch_whose_predictions_are_active_does_not_fail_because_its_end_was_not_recorded(
    place: str, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    stage = doubling_stage(place)
    batch = score(stage, created(stage, rows_of(["a", "b"])))
    set_state = Batches.set_state

    def lose_done(batches: Batches, record: BatchRecord, from_states: Any, to_state: Any, **more: Any) -> Any:
        if to_state == "DONE":
            raise StoreError("DynamoDB does not answer")
        return set_state(batches, record, from_states, to_state, **more)

    with monkeypatch.context() as broken:
        broken.setattr(Batches, "set_state", lose_done)
        assert stage.step("finish", batch, TIMEOUT)["state"] == "LOADING"
        if fault == "cause":
            with pytest.raises(StoreError):
                stage.step("finish", batch, TIMEOUT)
    active = stage.worker.generations.active(batch.model)
    assert active is not None
    if fault == "cause":
        stage.step("finish", batch, TIMEOUT, cause={"Error": "StoreError"})
    else:
        monkeypatch.setattr(key_check.KeyCheck, "run", None)  # nothing is done once more
        stage.step("finish", batch, TIMEOUT)
    assert (stage.record(batch).state, stage.record(batch).problem) == ("DONE", None)
    assert stage.worker.generations.active(batch.model) == active


def test_on_batch_complete_that_takes_too_long_has_a_whole_call_once_and_is_then_ended(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = doubling_stage(place)
    batch = score(stage, created(stage, rows_of(["a", "b"])))
    model, calls, published = model_of(stage), [], []

    def hang(said: dict[str, Any]) -> None:
        calls.append(said["id"])
        while True:
            time.sleep(0.01)

    monkeypatch.setattr(model, "on_batch_complete", hang)
    monkeypatch.setattr(finish, "LEAST_S", 0.2)
    monkeypatch.setattr(finish, "publish", lambda _worker, record: published.append(record.state))
    states = []
    while stage.step("finish", batch, SHORT)["state"] == "LOADING":
        states.append(stage.record(batch).notified)
    assert not any(states)
    assert stage.record(batch).notified
    assert (calls, published) == ([batch.id] * 2, ["DONE"])
    assert [str(error).rpartition(", ")[2] for error in stage.errors] == [
        "and is called once more",
        "by the worker's timeout: raise worker.timeout_s",
    ]


def test_a_batch_whose_worker_dies_in_on_batch_complete_is_published_once(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = doubling_stage(place)
    batch = score(stage, created(stage, rows_of(["a", "b"])))
    published: list[str] = []

    def die(_said: dict[str, Any]) -> None:
        raise SystemExit

    monkeypatch.setattr(model_of(stage), "on_batch_complete", die)
    monkeypatch.setattr(finish, "publish", lambda _worker, record: published.append(record.state))
    for _ in range(3):
        with pytest.raises(SystemExit):
            stage.step("finish", batch)
    assert published == ["DONE"]
    assert not stage.record(batch).notified


def test_a_resume_of_a_batch_whose_predictions_are_active_loads_nothing_again(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = doubling_stage(place, duplicates="last")
    batch = score(stage, created(stage, rows_of(["a", "b", "a"])))
    assert finished(stage, batch).state == "DONE"
    change(stage, batch, state="FAILED")
    again = stage.worker.batches.resume(batch.model, batch.id)
    stage.step("plan", again)
    monkeypatch.setattr(finish, "Rewriting", None)
    active = stage.worker.generations.active(batch.model)
    assert finished(stage, again).state == "DONE"
    assert stage.worker.generations.active(batch.model) == active


@pytest.mark.parametrize(("keys", "duplicates"), [(["a", "b"], "last"), (["a", "b"], "refuse")])
def test_nothing_waits_without_keys_that_repeat(place: str, keys: list[str], duplicates: str) -> None:
    stage = doubling_stage(place, duplicates=duplicates)
    batch = created(stage, rows_of(keys))
    stage.worker.batches.cancel(batch.model, batch.id)
    batch = score(stage, stage.worker.batches.resume(batch.model, batch.id))
    assert stage.step("finish", batch, TIMEOUT)["state"] == "DONE"


def test_an_attempt_that_was_replaced_meanwhile_does_not_switch(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = doubling_stage(place)
    batch = score(stage, created(stage, rows_of(["a", "b"])))
    result = key_check.KeyCheck.result

    def replace(check: key_check.KeyCheck) -> Any:
        change(stage, batch, state="PLANNING", attempt=2)
        return result(check)

    monkeypatch.setattr(key_check.KeyCheck, "result", replace)
    stage.step("finish", batch)
    record = stage.record(batch)
    assert (record.state, record.attempt) == ("PLANNING", 2)
    assert stage.worker.generations.active(batch.model) is None


def test_a_row_that_loses_its_prediction_fails_the_batch_by_name(place: str) -> None:
    stage = doubling_stage(place, duplicates="last")
    batch = score(stage, created(stage, rows_of(["a", "b", "a"])))

    def fail(_inputs: object) -> None:
        raise KeyError("no")

    model_of(stage).before = fail
    record = finished(stage, batch)
    assert record.state == "FAILED"
    assert record.problem is not None
    assert record.problem["detail"].startswith("row 2 of ")
    assert stage.worker.generations.active(batch.model) is None


def test_a_key_file_that_is_gone_fails_the_batch_with_the_remedy(place: str) -> None:
    stage = doubling_stage(place)
    batch = score(stage, created(stage, rows_of(["a", "b"])))
    stage.worker.objects.delete(stage.worker.files(batch.id).keys(0))
    record = finished(stage, batch)
    assert record.state == "FAILED"
    assert "is gone" in str(record.problem)
    assert "start a new batch" in str(record.problem)


def test_an_error_after_some_progress_is_logged_and_the_next_call_goes_on(place: str) -> None:
    stage = doubling_stage(place)
    batch = score(stage, created(stage, rows_of(["a", "b"])))
    faults = iter([False] * 4 + [True])  # the plan, the index and its file, the list of parts; then the part
    stage.worker.__dict__["objects"] = FailingObjects(lambda: next(faults, False))
    assert stage.step("finish", batch)["state"] == "LOADING"
    (error,) = stage.errors
    assert not error.retryable
    assert "does not answer" in str(error)
    assert stage.step("finish", batch)["state"] == "DONE"


def test_an_error_without_progress_is_raised_so_that_the_state_machine_counts_it(place: str) -> None:
    stage = doubling_stage(place)
    batch = score(stage, created(stage, rows_of(["a", "b"])))
    stage.worker.__dict__["objects"] = FailingObjects(lambda: True)
    with pytest.raises(StoreError):
        stage.step("finish", batch)
    stage.worker.__dict__["objects"] = Objects()
    assert stage.step("finish", batch, cause={"Error": "StoreError"})["state"] == "FAILED"
    assert "could not be loaded (StoreError): `modelet batch resume` does" in str(stage.record(batch).problem)


def test_a_step_that_takes_longer_than_the_timeout_has_the_remedy(place: str) -> None:
    stage = doubling_stage(place)
    batch = score(stage, created(stage, rows_of(["a", "b"])))
    change(stage, batch, state="LOADING")
    assert stage.step("finish", batch, cause={"Error": "Sandbox.Timedout"})["state"] == "FAILED"
    assert "raise worker.timeout_s" in str(stage.record(batch).problem)
