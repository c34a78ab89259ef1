"""The records of batches: states, counters, resumes."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from modelet.batch.errors import ConflictError, UnknownBatchError
from modelet.batch.generations import Generations
from modelet.batch.lifetimes import ATTEMPT_DAYS, DAY_S, FILES_DAYS, RECORD_DAYS, RESUMABLE_DAYS, resumable_until
from modelet.batch.record import ACTIVE, ENDED, BatchRecord, State
from modelet.batch.records import Batches
from modelet.batch.request import BatchRequest
from modelet.batch.table import batch_key
from modelet.errors import RequestError
from support.tables import REQUEST, Clock, Relay

PROBLEM = RequestError("chunk 1 is no CSV").problem()


def create(batches: Batches, id: str = "b1", *, tolerated: float = 1.0, request: BatchRequest = REQUEST) -> BatchRecord:  # noqa: A002
    return batches.create(
        "iris", id, version="3", function="arn:worker:7", request=request, tolerated=tolerated, load="auto"
    )


def started(batches: Batches, chunks: int = 3, *, tolerated: float = 1.0, rows: int | None = None) -> BatchRecord:
    record = batches.plan_done(create(batches, tolerated=tolerated), 1, chunks, rows, "write")
    assert record is not None
    return record


@pytest.fixture
def batches(dynamodb: Any, control: str, clock: Clock) -> Batches:
    return Batches(dynamodb, control, clock=clock)


def test_a_batch_is_read_as_it_was_created(batches: Batches, clock: Clock) -> None:
    request = BatchRequest(("s3://bucket/*.csv",), "id", passed=("name",), tolerated=0.25)
    record = create(batches, request=request, tolerated=0.25)
    assert batches.get("iris", "b1") == record
    assert (record.state, record.attempt, record.created) == ("PLANNING", 1, clock.now)
    assert (record.version, record.function, record.load, record.request) == ("3", "arn:worker:7", "auto", request)


def test_every_state_is_active_or_ended() -> None:
    assert {*ACTIVE, *ENDED} == set(get_args(State))


def test_a_batch_is_created_once(batches: Batches) -> None:
    create(batches)
    with pytest.raises(ConflictError, match="there is a batch b1 of iris"):
        create(batches)


def test_an_unknown_and_an_expired_batch_are_absent(batches: Batches, clock: Clock) -> None:
    create(batches)
    with pytest.raises(UnknownBatchError, match="modelet batch list iris"):
        batches.get("iris", "b2")
    clock.now += RECORD_DAYS * DAY_S
    with pytest.raises(UnknownBatchError):
        batches.get("iris", "b1")
    assert batches.list("iris").records == []


def test_batches_are_listed_newest_first_and_page_by_page(batches: Batches) -> None:
    for number in range(5):
        create(batches, f"b{number}")
    first = batches.list("iris", limit=2)
    second = batches.list("iris", limit=2, after=first.next)
    last = batches.list("iris", limit=2, after=second.next)
    assert [[each.id for each in page.records] for page in (first, second, last)] == [
        ["b4", "b3"],
        ["b2", "b1"],
        ["b0"],
    ]
    assert last.next is None
    assert batches.list("iris", limit=5).next is None
    assert batches.list("other").records == []


def test_a_plan_starts_its_own_attempt_only(batches: Batches) -> None:
    record = create(batches)
    assert batches.plan_done(record, 2, 3, 10, "write") is None
    running = batches.plan_done(record, 1, 3, 10, "write")
    assert running is not None
    assert (running.state, running.chunks, running.rows_planned, running.load) == ("RUNNING", 3, 10, "write")
    assert batches.plan_done(record, 1, 3, 10, "write") == running
    batches.cancel("iris", "b1")
    assert batches.plan_done(record, 1, 3, 10, "write") is None


def test_the_reason_of_a_load_stays_in_later_attempts(batches: Batches) -> None:
    record = create(batches)
    assert record.load_reason is None
    running = batches.plan_done(record, 1, 3, 10, "write", load_reason="write: 10 rows")
    assert running is not None
    batches.set_state(running, ("RUNNING",), "FAILED", PROBLEM)
    again = batches.plan_done(batches.resume("iris", "b1"), 2, 3, 10, "write", load_reason=running.load_reason)
    assert again is not None
    assert (again.attempt, again.load_reason) == (2, "write: 10 rows")


def test_a_chunk_that_is_done_twice_counts_once(batches: Batches) -> None:
    record = started(batches)
    assert batches.chunk_done(record, 0, 1, rows=8, failed=2, seconds=1.5)
    assert not batches.chunk_done(record, 0, 1, rows=8, failed=2, seconds=1.5)
    assert not batches.chunk_failed(record, 0, 1, PROBLEM)
    found = batches.get("iris", "b1")
    assert (found.chunks_done, found.chunks_failed, found.rows_done, found.rows_failed) == (1, 0, 8, 2)
    assert (found.rows, found.busy_s) == (10, 1.5)
    assert batches.done_numbers(record) == {0}


def test_a_failed_chunk_that_is_done_later_no_longer_counts_as_failed(batches: Batches) -> None:
    record = started(batches)
    assert batches.chunk_failed(record, 1, 1, PROBLEM)
    assert not batches.chunk_failed(record, 1, 1, PROBLEM)
    assert batches.chunk_failed(record, 1, 2, PROBLEM)
    assert batches.get("iris", "b1").chunks_failed == 1
    assert batches.chunk_done(record, 1, 2, rows=5, failed=0, seconds=1)
    found = batches.get("iris", "b1")
    assert (found.chunks_done, found.chunks_failed, found.rows_done) == (1, 0, 5)


def test_a_chunk_of_a_batch_that_is_gone_is_not_counted(batches: Batches, dynamodb: Any, control: str) -> None:
    record = started(batches)
    dynamodb.delete_item(TableName=control, Key={name: {"S": text} for name, text in batch_key("iris", "b1").items()})
    with pytest.raises(UnknownBatchError, match="its chunk 0 is not counted"):
        batches.chunk_done(record, 0, 1, rows=1, failed=0, seconds=1)
    with pytest.raises(UnknownBatchError):
        batches.get("iris", "b1")


def test_chunks_that_end_at_the_same_time_are_all_counted(
    relayed: tuple[Any, Relay], batches: Batches, control: str
) -> None:
    client, relay = relayed
    record = started(batches)
    # Another worker records the same chunk as failed, between this one's decision and its write.
    relay.before = lambda: assert_true(batches.chunk_failed(record, 0, 1, PROBLEM))
    assert Batches(client, control).chunk_done(record, 0, 1, rows=5, failed=0, seconds=1)
    found = batches.get("iris", "b1")
    assert (found.chunks_done, found.chunks_failed) == (1, 0)


def assert_true(value: bool) -> None:
    assert value


def test_a_state_changes_only_from_the_named_ones(batches: Batches, clock: Clock) -> None:
    record = started(batches, chunks=1)
    assert batches.set_state(record, ("PLANNING",), "FAILED") is None
    clock.now += 5
    failed = batches.set_state(record, ("PLANNING", "RUNNING"), "FAILED", problem=PROBLEM)
    assert failed is not None
    assert (failed.state, failed.problem, failed.ended, failed.changed) == ("FAILED", PROBLEM, clock.now, clock.now)
    clock.now += 5
    assert batches.set_state(record, ("RUNNING",), "FAILED", problem={"title": "later"}) == failed


def test_a_batch_is_done_only_with_all_of_its_chunks(batches: Batches) -> None:
    record = started(batches, chunks=2)
    batches.chunk_done(record, 0, 1, rows=1, failed=0, seconds=1)
    batches.chunk_failed(record, 1, 1, PROBLEM)
    with pytest.raises(ConflictError, match="1 of 2 chunks are done, 1 failed"):
        batches.set_state(record, ("RUNNING",), "DONE")
    batches.chunk_done(record, 1, 1, rows=1, failed=0, seconds=1)
    done = batches.set_state(record, ("RUNNING",), "DONE")
    assert done is not None
    assert done.state == "DONE"


def test_cancelling_is_possible_until_the_end(batches: Batches) -> None:
    record = started(batches)
    assert batches.cancel("iris", "b1").state == "CANCELLED"
    assert batches.cancel("iris", "b1").state == "CANCELLED"
    assert batches.should_stop(batches.get("iris", "b1")) == "the batch is CANCELLED"
    assert batches.set_state(record, ("RUNNING",), "FINISHING") is None
    with pytest.raises(UnknownBatchError):
        batches.cancel("iris", "b2")


def test_a_batch_that_is_resumed_while_it_is_cancelled_is_cancelled(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = started(batches)
    read = batches.get

    def resumed_after_reading(model: str, batch: str) -> BatchRecord:
        found = read(model, batch)
        monkeypatch.setattr(batches, "get", read)
        batches.set_state(record, ("RUNNING",), "FAILED")
        batches.resume(model, batch)
        return found

    monkeypatch.setattr(batches, "get", resumed_after_reading)
    cancelled = batches.cancel(record.model, record.id)
    assert (cancelled.state, cancelled.attempt) == ("CANCELLED", 2)


def test_a_batch_that_is_being_loaded_or_has_failed_is_not_cancelled(batches: Batches) -> None:
    record = started(batches)
    batches.set_state(record, ("RUNNING",), "FINISHING")
    with pytest.raises(ConflictError, match="FINISHING, too late"):
        batches.cancel("iris", "b1")
    batches.set_state(record, ("FINISHING",), "FAILED", problem=PROBLEM)
    with pytest.raises(ConflictError, match="nothing to cancel"):
        batches.cancel("iris", "b1")


def test_a_resume_begins_the_next_attempt_and_keeps_the_counters(batches: Batches) -> None:
    record = started(batches, chunks=2)
    batches.chunk_done(record, 0, 1, rows=7, failed=1, seconds=1)
    batches.chunk_failed(record, 1, 1, PROBLEM)
    batches.set_published(record)
    batches.set_notified(record)
    batches.set_state(record, ("RUNNING",), "FAILED", problem=PROBLEM)
    assert batches.get("iris", "b1").notified
    again = batches.resume("iris", "b1")
    assert again == batches.get("iris", "b1")
    assert (again.state, again.attempt, again.problem, again.notified, again.ended) == (
        "PLANNING",
        2,
        None,
        False,
        None,
    )
    assert not again.published
    assert (again.chunks, again.chunks_done, again.chunks_failed, again.rows_done) == (2, 1, 1, 7)
    # What belongs to the attempt before changes nothing any more.
    assert batches.set_state(record, ("PLANNING",), "FAILED") is None
    batches.set_notified(record)
    assert not batches.get("iris", "b1").notified


@pytest.mark.parametrize("state", ["PLANNING", "RUNNING", "FINISHING"])
def test_a_batch_that_works_is_not_resumed(batches: Batches, state: State) -> None:
    record = create(batches)
    batches.set_state(record, ("PLANNING",), state)
    with pytest.raises(ConflictError, match=f"{state}: wait for its end"):
        batches.resume("iris", "b1")


def test_a_batch_that_is_done_is_not_resumed(batches: Batches) -> None:
    record = started(batches, chunks=0)
    batches.set_state(record, ("RUNNING",), "DONE")
    with pytest.raises(ConflictError, match="start a new batch"):
        batches.resume("iris", "b1")


def test_a_batch_is_resumed_until_its_files_expire_and_not_a_second_longer(batches: Batches, clock: Clock) -> None:
    record = started(batches)
    clock.now += 5 * DAY_S
    batches.set_state(record, ("RUNNING",), "FAILED", PROBLEM)
    until = resumable_until(record.created, clock.now)
    clock.now += RESUMABLE_DAYS * DAY_S
    assert clock.now == until
    clock.now += 1
    with pytest.raises(
        ConflictError, match=r"batch b1 could be resumed until 2027-02-03 08:00 UTC, .*: start a new batch"
    ):
        batches.resume("iris", "b1")
    clock.now -= 1
    assert batches.resume("iris", "b1").attempt == 2


def test_resumes_again_and_again_end_when_the_first_files_expire(batches: Batches, clock: Clock) -> None:
    record = started(batches)
    for _ in range(3):
        batches.set_state(record, ("RUNNING", "PLANNING"), "CANCELLED")
        clock.now += 10 * DAY_S
        if clock.now <= record.created + (FILES_DAYS - ATTEMPT_DAYS) * DAY_S:
            record = batches.resume("iris", "b1")
    assert record.attempt == 3
    with pytest.raises(ConflictError, match="could be resumed until"):
        batches.resume("iris", "b1")


def test_predictions_expire_at_the_same_time_in_all_attempts(batches: Batches, clock: Clock) -> None:
    record = batches.create(
        "iris", "b1", version="3", function="f", request=REQUEST, tolerated=1, load="auto", expires_days=2
    )
    assert record.predictions_until == clock.now + 2 * DAY_S
    batches.set_state(record, ("PLANNING",), "FAILED", PROBLEM)
    clock.now += DAY_S
    again = batches.resume("iris", "b1")
    assert again.predictions_until == record.predictions_until
    batches.set_state(again, ("PLANNING",), "FAILED", PROBLEM)
    clock.now += DAY_S
    with pytest.raises(ConflictError, match="has predictions that expired at 2027-01-17 08:00 UTC: start a new batch"):
        batches.resume("iris", "b1")


def test_a_batch_without_a_table_has_no_predictions_to_expire(batches: Batches) -> None:
    request = BatchRequest(("s3://a/b.csv",), "id", table=False, results="s3://a/out")
    record = batches.create(
        "iris", "b1", version="3", function="f", request=request, tolerated=1, load="auto", expires_days=2
    )
    assert record.predictions_until is None


@pytest.mark.parametrize("table", [True, False])
def test_a_batch_that_could_not_become_active_is_not_resumed(
    batches: Batches, dynamodb: Any, control: str, table: bool
) -> None:
    request = REQUEST._replace(table=table, results="s3://a/out")
    batches.set_state(create(batches, request=request), ("PLANNING",), "FAILED", PROBLEM)
    Generations(dynamodb, control).switch("iris", "b2", "table", rows=1, since=1)
    if table:
        with pytest.raises(
            ConflictError, match="cannot become active any more, because batch b2 is newer: start a new"
        ):
            batches.resume("iris", "b1")
    else:
        assert batches.resume("iris", "b1").attempt == 2


def test_of_two_resumes_at_once_one_wins(relayed: tuple[Any, Relay], batches: Batches, control: str) -> None:
    client, relay = relayed
    create(batches)
    batches.cancel("iris", "b1")
    relay.before = lambda: assert_true(batches.resume("iris", "b1").attempt == 2)
    with pytest.raises(ConflictError, match="resumed meanwhile"):
        Batches(client, control).resume("iris", "b1")
    assert batches.get("iris", "b1").attempt == 2


def test_a_resume_whose_answer_is_lost_succeeds(relayed: tuple[Any, Relay], batches: Batches, control: str) -> None:
    client, relay = relayed
    create(batches)
    batches.cancel("iris", "b1")
    relay.lost = 1
    assert Batches(client, control).resume("iris", "b1").attempt == 2


def test_too_many_rejected_rows_stop_the_batch_and_the_record_says_so(batches: Batches) -> None:
    record = started(batches, chunks=3, tolerated=0.1)
    batches.chunk_done(record, 0, 1, rows=499, failed=500, seconds=1)
    assert batches.should_stop(batches.get("iris", "b1")) is None
    batches.chunk_done(record, 1, 1, rows=1, failed=0, seconds=1)
    reason = batches.should_stop(batches.get("iris", "b1"))
    assert reason is not None
    assert reason.startswith("500 of 1,000 rows were rejected, a share of 0.1 is tolerated")
    assert batches.get("iris", "b1").stopped == reason


def test_a_share_that_is_just_tolerated_goes_on(batches: Batches) -> None:
    record = started(batches, chunks=2, tolerated=0.1)
    batches.chunk_done(record, 0, 1, rows=27_000, failed=3_000, seconds=1)
    assert batches.should_stop(batches.get("iris", "b1")) is None


def test_a_small_batch_is_judged_as_a_whole(batches: Batches) -> None:
    record = started(batches, chunks=2, tolerated=0)
    batches.chunk_done(record, 0, 1, rows=0, failed=1, seconds=1)
    assert batches.should_stop(batches.get("iris", "b1")) is None
    batches.chunk_done(record, 1, 1, rows=9, failed=0, seconds=1)
    assert batches.should_stop(batches.get("iris", "b1"))


def test_a_stopped_batch_is_resumed_only_with_a_higher_share(batches: Batches) -> None:
    record = started(batches, chunks=2, tolerated=0.1)
    batches.chunk_done(record, 0, 1, rows=800, failed=200, seconds=1)
    batches.should_stop(batches.get("iris", "b1"))
    batches.set_state(record, ("RUNNING",), "FAILED", problem=PROBLEM)
    with pytest.raises(ConflictError, match="would stop at once: 200 of 1,000 rows"):
        batches.resume("iris", "b1")
    again = batches.resume("iris", "b1", tolerated=0.2)
    assert (again.tolerated, again.stopped) == (0.2, None)
    assert batches.should_stop(again) is None


def test_progress_reads_for_half_the_price_and_what_decides_reads_all(
    relayed: tuple[Any, Relay], control: str, clock: Clock
) -> None:
    client, relay = relayed
    batches = Batches(client, control, clock=clock)
    record = started(batches)
    relay.seen.clear()
    batches.progress(record)
    batches.done_numbers(record)
    asked = [json.loads(body)["ConsistentRead"] for name, body in relay.seen if name == "Query"]
    assert asked == [False, True]


def test_repeated_keys_stay_checked_in_a_later_attempt_which_writes_the_winners_again(batches: Batches) -> None:
    record = started(batches)
    batches.set_repeated(record, 12)
    batches.set_rewritten(record, 7)
    found = batches.get("iris", "b1")
    assert (found.checked, found.repeated, found.rewritten) == (True, 12, 7)
    batches.set_state(record, ("RUNNING",), "FAILED")
    again = batches.resume("iris", "b1")
    assert (again.checked, again.repeated, again.rewritten) == (True, 12, 0)
    batches.set_rewritten(record, 8)
    assert batches.get("iris", "b1").rewritten == 0


def test_repeated_keys_are_recorded(batches: Batches) -> None:
    batches.set_repeated(create(batches), 12)
    assert batches.get("iris", "b1").repeated == 12


def test_progress_has_the_rate_of_the_last_minute_and_the_chunks_that_failed(batches: Batches, clock: Clock) -> None:
    record = started(batches, chunks=4, rows=1_000)
    batches.chunk_done(record, 0, 1, rows=100, failed=0, seconds=10)
    clock.now += 100
    batches.chunk_done(record, 2, 1, rows=290, failed=10, seconds=10)
    batches.chunk_failed(record, 3, 1, PROBLEM)
    progress = batches.progress(batches.get("iris", "b1"))
    assert (progress.chunks, progress.done, progress.failed) == (4, 2, 1)
    assert (progress.rows, progress.rows_failed, progress.rows_planned) == (390, 10, 1_000)
    assert (progress.rate, progress.seconds_left) == (5.0, 120.0)
    assert [(each.number, each.attempt, each.problem) for each in progress.errors] == [(3, 1, PROBLEM)]


def test_after_a_resume_the_rate_is_that_of_the_chunks_of_this_attempt(batches: Batches, clock: Clock) -> None:
    record = started(batches, chunks=4, rows=10_000)
    batches.chunk_done(record, 0, 1, rows=5_000, failed=0, seconds=10)
    batches.set_state(record, ("RUNNING",), "FAILED", problem=PROBLEM)
    clock.now += 10
    again = batches.resume("iris", "b1")
    batches.plan_done(again, 2, 4, 10_000, "write")
    clock.now += 2
    assert batches.progress(batches.get("iris", "b1")).rate is None
    batches.chunk_done(again, 1, 2, rows=100, failed=0, seconds=1)
    assert batches.progress(batches.get("iris", "b1")).rate == 50.0


class Counters(RuleBasedStateMachine):
    """Chunks end in any order, twice, in any attempt, with lost answers; the counters stay those of a model."""

    def __init__(self, client: Any, relay: Relay, control: str, name: str) -> None:
        super().__init__()
        self.relay = relay
        self.batches = Batches(client, control)
        self.record = started(self.batches, chunks=4) if name == "b1" else self.again(name)
        self.chunks: dict[int, tuple[str, int, int, int]] = {}

    def again(self, name: str) -> BatchRecord:
        record = self.batches.plan_done(create(self.batches, name), 1, 4, None, "write")
        assert record is not None
        return record

    @rule(number=st.integers(0, 3), back=st.integers(0, 1), rows=st.integers(0, 9), failed=st.integers(0, 9))
    def done(self, number: int, back: int, rows: int, failed: int) -> None:
        attempt = max(1, self.record.attempt - back)
        is_new = self.chunks.get(number, ("", 0, 0, 0))[0] != "DONE"
        was_lost = self.relay.lost
        counted = self.batches.chunk_done(self.record, number, attempt, rows=rows, failed=failed, seconds=1)
        assert counted == is_new or was_lost
        if is_new:
            self.chunks[number] = ("DONE", attempt, rows, failed)

    @rule(number=st.integers(0, 3), back=st.integers(0, 1))
    def failed(self, number: int, back: int) -> None:
        attempt = max(1, self.record.attempt - back)
        self.batches.chunk_failed(self.record, number, attempt, PROBLEM)
        was = self.chunks.get(number, ("", 0, 0, 0))
        if was[0] != "DONE" and was[1] < attempt:
            self.chunks[number] = ("FAILED", attempt, 0, 0)

    @rule(count=st.integers(1, 2))
    def lose(self, count: int) -> None:
        self.relay.lost = count

    @precondition(lambda self: len(self.chunks) < 4)
    @rule()
    def resume(self) -> None:
        self.batches.set_state(self.record, ("RUNNING",), "FAILED", problem=PROBLEM)
        record = self.batches.resume("iris", self.record.id)
        running = self.batches.plan_done(record, record.attempt, 4, None, "write")
        assert running is not None
        assert running.attempt == self.record.attempt + 1
        self.record = running

    @invariant()
    def agrees(self) -> None:
        found = self.batches.get("iris", self.record.id)
        ends = list(self.chunks.values())
        assert found.chunks_done == sum(end[0] == "DONE" for end in ends)
        assert found.chunks_failed == sum(end[0] == "FAILED" for end in ends)
        assert (found.rows_done, found.rows_failed) == (sum(end[2] for end in ends), sum(end[3] for end in ends))
        assert self.batches.done_numbers(found) == {number for number, end in self.chunks.items() if end[0] == "DONE"}


def test_counters_are_right_after_any_sequence_of_events(relayed: tuple[Any, Relay], control: str) -> None:
    client, relay = relayed
    names = iter(f"b{number}" for number in range(1, 100_000))

    def machine() -> Counters:
        relay.lost = 0
        return Counters(client, relay, control, next(names))

    limits = settings(
        max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(machine, settings=limits)  # type: ignore[arg-type]  # a factory serves as well
