"""The records of jobs: claims, ends, cancels."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from modelet.batch.errors import ConflictError, UnknownJobError
from modelet.errors import RequestError, TooLargeError
from modelet.jobs.records import ATTEMPTS, MOST_BODY_BYTES, MOST_RESULT_BYTES, JobRecord, Jobs
from support.tables import Clock, Relay

PROBLEM = RequestError("no").problem()


@pytest.fixture
def jobs(dynamodb: Any, control: str, clock: Clock) -> Jobs:
    return Jobs(dynamodb, control, clock=clock)


def create(jobs: Jobs, id: str = "j1") -> JobRecord:  # noqa: A002
    return jobs.create("iris", id, version="3", body=b'{"rows": []}', accept="text/csv")


def claimed(jobs: Jobs, until: float = 2e9, id: str = "j1", attempt: int = 1) -> JobRecord:  # noqa: A002
    claim = jobs.claim("iris", id, "request", until, attempt=attempt)
    assert claim.state == "claimed"
    assert claim.job is not None
    return claim.job


def test_a_job_is_read_as_it_was_created(jobs: Jobs, clock: Clock) -> None:
    record = create(jobs)
    assert jobs.get("iris", "j1") == record
    assert (record.state, record.body, record.accept, record.attempts) == ("queued", b'{"rows": []}', "text/csv", 0)
    assert record.expires_at == clock.now + 7 * 24 * 3600
    with pytest.raises(ConflictError, match="there is a job j1"):
        create(jobs)


def test_a_body_above_the_limit_belongs_into_s3(jobs: Jobs) -> None:
    jobs.create("iris", "j1", version="3", body=b"x" * MOST_BODY_BYTES)
    with pytest.raises(TooLargeError, match="put it into S3"):
        jobs.create("iris", "j2", version="3", body=b"x" * (MOST_BODY_BYTES + 1))
    assert jobs.create("iris", "j2", version="3", url="s3://bucket/body").url == "s3://bucket/body"


def test_an_expired_job_is_absent(jobs: Jobs, clock: Clock) -> None:
    jobs.create("iris", "j1", version="3", body=b"", kept_s=60)
    clock.now += 60
    for read in (jobs.get, jobs.cancel, jobs.requeue):
        with pytest.raises(UnknownJobError, match="the job expired"):
            read("iris", "j1")
    assert jobs.claim("iris", "j1", "request", 2e9) == ("ended", None)
    assert jobs.list("iris").records == []


def test_an_unknown_job_is_not_claimed_and_not_made(jobs: Jobs) -> None:
    assert jobs.claim("iris", "j1", "request", 2e9) == ("ended", None)
    for call in (jobs.get, jobs.cancel, jobs.requeue):
        with pytest.raises(UnknownJobError):
            call("iris", "j1")


def test_a_message_that_is_delivered_twice_runs_once(jobs: Jobs) -> None:
    create(jobs)
    job = claimed(jobs)
    assert (job.state, job.attempts, job.body) == ("running", 1, b'{"rows": []}')
    assert jobs.claim("iris", "j1", "request", 2e9).state == "running"
    assert jobs.finish(job, result=b"[1]", media_type="application/json")
    assert jobs.claim("iris", "j1", "request", 2e9).state == "ended"
    done = jobs.get("iris", "j1")
    assert (done.state, done.result, done.status, done.result_type) == ("done", b"[1]", 200, "application/json")
    assert (done.body, done.attempts) == (None, 1)


def test_a_claim_that_expired_is_taken_over_and_its_holder_ends_nothing(jobs: Jobs, clock: Clock) -> None:
    create(jobs)
    first = claimed(jobs, clock.now + 10)
    clock.now += 11
    assert jobs.get("iris", "j1").is_stalled(clock.now)
    second = claimed(jobs, clock.now + 10, attempt=2)
    assert (second.attempts, second.started) == (2, first.started)
    assert not jobs.finish(first, result=b"late")
    assert not jobs.fail(first, PROBLEM)
    assert not jobs.release(first, PROBLEM)
    assert jobs.finish(second, url="s3://bucket/result")
    assert jobs.get("iris", "j1").result_url == "s3://bucket/result"


def test_a_job_whose_worker_died_is_shown_as_it_is(jobs: Jobs, clock: Clock) -> None:
    create(jobs)
    for attempt in (1, 2):
        claimed(jobs, clock.now + 10, attempt=attempt)
        assert jobs.settled(jobs.get("iris", "j1"), 3).state == "running"
        clock.now += 11
        assert jobs.settled(jobs.get("iris", "j1"), 3).state == "queued"
    claimed(jobs, clock.now + 10, attempt=3)
    clock.now += 11
    failed = jobs.settled(jobs.get("iris", "j1"), 3)
    assert failed == jobs.get("iris", "j1")
    assert (failed.state, failed.ended, failed.body) == ("failed", clock.now, b'{"rows": []}')
    assert failed.problem is not None
    assert "the worker ended without an answer at attempt 3, the last one" in failed.problem["detail"]
    assert "`modelet jobs redrive iris`" in failed.problem["detail"]
    assert jobs.requeue("iris", "j1").state == "queued"
    assert claimed(jobs).attempts == 1


def test_a_job_that_was_ended_after_it_was_read_is_not_failed(jobs: Jobs, clock: Clock) -> None:
    create(jobs)
    job = claimed(jobs, clock.now + 10, attempt=3)
    clock.now += 11
    read = jobs.get("iris", "j1")
    assert jobs.finish(job, result=b"1")
    assert jobs.settled(read, 3).state == "done"
    assert jobs.give_up(read, PROBLEM).state == "done"


def test_a_job_that_another_worker_has_by_now_is_not_failed(jobs: Jobs, clock: Clock) -> None:
    create(jobs)
    claimed(jobs, clock.now + 10, attempt=3)
    clock.now += 11
    read = jobs.get("iris", "j1")
    jobs.requeue("iris", "j1")
    job = claimed(jobs, clock.now + 10)
    assert jobs.settled(read, 3).holder == job.holder
    assert jobs.get("iris", "j1").state == "running"


def test_a_job_without_attempts_left_is_not_claimed_but_fails(jobs: Jobs, clock: Clock) -> None:
    create(jobs)
    claimed(jobs, clock.now + 10, attempt=3)
    assert jobs.claim("iris", "j1", "request", 2e9, attempt=4).state == "running"
    clock.now += 11
    for _ in range(2):
        claim = jobs.claim("iris", "j1", "request", 2e9, attempt=4)
        assert (claim.state, claim.job and claim.job.state) == ("spent", "failed")
    assert "ended without an answer" in (jobs.get("iris", "j1").problem or {})["detail"]


def test_a_job_that_was_given_back_with_no_attempt_left_keeps_its_own_problem(jobs: Jobs) -> None:
    create(jobs)
    assert jobs.release(claimed(jobs, attempt=3), PROBLEM)
    assert jobs.claim("iris", "j1", "request", 2e9, attempt=4).state == "spent"
    assert jobs.get("iris", "j1").problem == PROBLEM


def test_a_result_above_the_limit_belongs_into_s3(jobs: Jobs) -> None:
    create(jobs)
    job = claimed(jobs)
    with pytest.raises(TooLargeError, match="put it into S3"):
        jobs.finish(job, result=b"x" * (MOST_RESULT_BYTES + 1))
    assert jobs.finish(job, result=b"x" * MOST_RESULT_BYTES)


def test_an_error_that_may_pass_gives_the_job_back(jobs: Jobs) -> None:
    create(jobs)
    assert jobs.release(claimed(jobs), PROBLEM)
    waiting = jobs.get("iris", "j1")
    assert (waiting.state, waiting.problem, waiting.attempts) == ("queued", PROBLEM, 1)
    assert jobs.finish(claimed(jobs, attempt=2), result=b"1")
    assert jobs.get("iris", "j1").problem is None
    assert jobs.get("iris", "j1").attempts == 2


def test_a_failed_job_keeps_its_body_and_is_queued_again(jobs: Jobs, clock: Clock) -> None:
    create(jobs)
    assert jobs.fail(claimed(jobs), PROBLEM)
    failed = jobs.get("iris", "j1")
    assert (failed.state, failed.problem, failed.ended, failed.body) == ("failed", PROBLEM, clock.now, b'{"rows": []}')
    again = jobs.requeue("iris", "j1")
    assert (again.state, again.attempts, again.ended) == ("queued", 0, None)
    assert jobs.requeue("iris", "j1").state == "queued"
    claimed(jobs)
    with pytest.raises(ConflictError, match="is running, so it cannot become queued"):
        jobs.requeue("iris", "j1")


def test_a_queued_job_is_cancelled_at_once(jobs: Jobs) -> None:
    create(jobs)
    assert jobs.cancel("iris", "j1").state == "cancelled"
    assert jobs.cancel("iris", "j1").state == "cancelled"
    assert jobs.claim("iris", "j1", "request", 2e9).state == "ended"
    assert jobs.get("iris", "j1").body is None


def test_the_result_of_a_cancelled_running_job_is_dropped(jobs: Jobs) -> None:
    create(jobs)
    job = claimed(jobs)
    assert jobs.cancel("iris", "j1").state == "cancelled"
    assert not jobs.finish(job, result=b"1")
    assert jobs.get("iris", "j1").result is None


def test_a_job_that_is_done_is_not_cancelled(jobs: Jobs) -> None:
    create(jobs)
    jobs.finish(claimed(jobs), result=b"1")
    with pytest.raises(ConflictError, match="is done, so it cannot become cancelled"):
        jobs.cancel("iris", "j1")


def test_jobs_are_listed_newest_first_without_bodies(jobs: Jobs) -> None:
    for number in range(3):
        create(jobs, f"j{number}")
    jobs.finish(claimed(jobs, id="j1"), result=b"1")
    page = jobs.list("iris", limit=2)
    assert [(each.id, each.state, each.body, each.result) for each in page.records] == [
        ("j2", "queued", None, None),
        ("j1", "done", None, None),
    ]
    last = jobs.list("iris", limit=2, after=page.next)
    assert [each.id for each in last.records] == ["j0"]
    assert last.next is None


def test_a_claim_and_an_end_whose_answers_are_lost_hold(relayed: tuple[Any, Relay], jobs: Jobs, control: str) -> None:
    client, relay = relayed
    create(jobs)
    relay.lost = 1
    job = claimed(Jobs(client, control))
    assert job.attempts == 1
    relay.lost = 1
    assert Jobs(client, control).finish(job, result=b"1")
    assert jobs.get("iris", "j1").state == "done"


class Claims(RuleBasedStateMachine):
    """Workers, users and time act in any order, with lost answers; the job stays that of a model."""

    def __init__(self, client: Any, relay: Relay, control: str, name: str) -> None:
        super().__init__()
        self.relay, self.clock, self.name = relay, Clock(), name
        self.jobs = Jobs(client, control, clock=self.clock)
        create(self.jobs, name)
        self.claims: list[JobRecord] = []
        self.state, self.holder, self.until, self.attempts = "queued", -1, 0.0, 0

    @property
    def is_stalled(self) -> bool:
        return self.state == "running" and self.until < self.clock.now

    @rule(seconds=st.integers(1, 30), attempt=st.integers(1, ATTEMPTS))
    def claim(self, seconds: int, attempt: int) -> None:
        free = self.state == "queued" or self.is_stalled
        claim = self.jobs.claim("iris", self.name, "request", self.clock.now + seconds, attempt=attempt)
        if free and self.attempts < ATTEMPTS:
            assert claim.state == "claimed"
            assert claim.job is not None
            self.claims.append(claim.job)
            self.state, self.holder, self.until = "running", len(self.claims) - 1, self.clock.now + seconds
            self.attempts = attempt
        elif self.state == "running" and not free:
            assert claim.state == "running"
        else:
            self.state = "failed" if free else self.state
            assert claim.state == ("spent" if self.state == "failed" and self.attempts >= ATTEMPTS else "ended")

    @rule()
    def look(self) -> None:
        if self.is_stalled and self.attempts >= ATTEMPTS:
            self.state = "failed"
        seen = self.jobs.settled(self.jobs.get("iris", self.name), ATTEMPTS)
        assert seen.state == ("queued" if self.is_stalled else self.state)

    @rule(back=st.integers(1, 3), to=st.sampled_from(["done", "failed", "queued"]))
    def end(self, back: int, to: str) -> None:
        if len(self.claims) < back:
            return
        place = len(self.claims) - back
        job = self.claims[place]
        self.clock.now += 1  # so that an end is told from the same end at another time
        is_held = self.state == "running" and self.holder == place
        ended = (
            self.jobs.finish(job, result=b"%d" % place)
            if to == "done"
            else self.jobs.fail(job, PROBLEM)
            if to == "failed"
            else self.jobs.release(job, PROBLEM)
        )
        assert ended == is_held
        if is_held:
            self.state = to

    @rule()
    def cancel(self) -> None:
        if self.state in {"queued", "running", "cancelled"}:
            self.jobs.cancel("iris", self.name)
            self.state = "cancelled"
        else:
            with pytest.raises(ConflictError):
                self.jobs.cancel("iris", self.name)

    @rule()
    def requeue(self) -> None:
        if self.is_stalled or self.state in {"failed", "queued"}:
            self.attempts = self.attempts if self.state == "queued" else 0
            self.jobs.requeue("iris", self.name)
            self.state = "queued"
        else:
            with pytest.raises(ConflictError):
                self.jobs.requeue("iris", self.name)

    @rule(seconds=st.integers(1, 40))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule()
    def lose(self) -> None:
        self.relay.lost = 1

    @invariant()
    def agrees(self) -> None:
        found = self.jobs.get("iris", self.name)
        assert found.state == self.state
        assert found.result == (b"%d" % self.holder if self.state == "done" else None)
        assert found.is_stalled(self.clock.now) == self.is_stalled


def test_a_job_is_right_after_any_sequence_of_events(relayed: tuple[Any, Relay], control: str) -> None:
    client, relay = relayed
    names = iter(f"j{number}" for number in range(100_000))

    def machine() -> Claims:
        relay.lost = 0
        return Claims(client, relay, control, next(names))

    limits = settings(
        max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(machine, settings=limits)  # type: ignore[arg-type]  # a factory serves as well
