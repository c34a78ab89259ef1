"""A worker runs the jobs of a queue's messages against an emulator: each once, and each with a true record."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Annotated, Any

import boto3
import pytest
from annotated_types import Ge
from typing_extensions import TypedDict

from modelet.batch.table import CONTROL, new_id
from modelet.edges import queue as edge
from modelet.edges.base import Call, EdgeResult
from modelet.errors import StoreError
from modelet.jobs.record import JobRecord
from modelet.jobs.records import MOST_RESULT_BYTES, Jobs
from modelet.model import Model
from modelet.protocols.service import Service
from modelet.store.objects import Objects
from support.services import service
from support.tables import create_table

ATTEMPTS = 3
SECRET = "the password of the feature store"


class Row(TypedDict):
    x: Annotated[float, Ge(0)]


class Answer(TypedDict):
    double: float
    note: str


class Counting(Model[Row, Answer]):
    """Doubles x and counts its calls; raises where x is 13; `before` is called first, and may raise."""

    def __init__(self) -> None:
        self.calls = 0
        self.note = ""
        self.before: Callable[[], None] = lambda: None

    def infer(self, inputs: list[Row]) -> list[Answer]:
        self.calls += 1
        self.before()
        if any(row["x"] == 13 for row in inputs):
            raise KeyError(SECRET)
        return [{"double": 2 * row["x"], "note": self.note} for row in inputs]


class Desk:
    """What a worker of one model finds in AWS, and what a queue does with it."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = url
        self.table = f"jobs-{url.rpartition('/')[2]}"
        create_table(boto3.client("dynamodb"), self.table, CONTROL)
        monkeypatch.setenv("MODELET_CONTROL_TABLE", self.table)
        monkeypatch.setenv("MODELET_BATCHES", url)
        monkeypatch.setenv("MODELET_JOB_ATTEMPTS", str(ATTEMPTS))
        self.service: Service = service(Counting)
        self.jobs = Jobs(boto3.client("dynamodb"), self.table)
        self.objects = Objects()

    @property
    def model(self) -> Counting:
        found = self.service.pipeline.model
        assert isinstance(found, Counting)
        return found

    def create(self, body: Any = None, **members: Any) -> JobRecord:
        """Record a job, as the API does."""
        if "url" not in members:
            members["body"] = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.jobs.create("tiny", new_id(), version="3", **members)

    def now(self, job: JobRecord) -> JobRecord:
        """The job's record as it is now."""
        return self.jobs.get(job.model, job.id)

    def deliver(self, *messages: Any, remaining: float | None = 60) -> EdgeResult:
        """Deliver messages in one invocation. A job stands for its message, a text for the body of one."""
        records = [
            {
                "messageId": f"m{place}",
                "eventSource": "aws:sqs",
                "body": json.dumps({"model": each.model, "id": each.id}) if isinstance(each, JobRecord) else each,
            }
            for place, each in enumerate(messages)
        ]
        event = {"Records": records}
        assert edge.matches(event)
        return edge.answer(event, self.service, Call("request", remaining))


@pytest.fixture
def desk(place: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(place, monkeypatch)


def reported(result: EdgeResult) -> list[str]:
    """The messages that come again."""
    return [each["itemIdentifier"] for each in result.response["batchItemFailures"]]


def test_a_job_has_the_answer_that_infer_would_give(desk: Desk) -> None:
    job = desk.create({"instances": [{"x": 1}, {"x": 2}]})
    result = desk.deliver(job)
    assert (reported(result), result.status, result.error) == ([], 200, None)
    done = desk.now(job)
    assert (done.state, done.status, done.attempts, done.result_type) == ("done", 200, 1, "application/json")
    assert json.loads(done.result or b"") == {
        "predictions": [{"double": 2.0, "note": ""}, {"double": 4.0, "note": ""}],
        "model": "tiny",
        "version": "3",
    }
    assert done.body is None


def test_a_message_that_is_delivered_twice_runs_its_job_once(desk: Desk) -> None:
    job = desk.create({"x": 1})
    assert reported(desk.deliver(job, job)) == []
    assert reported(desk.deliver(job)) == []
    assert desk.model.calls == 1
    assert (desk.now(job).state, desk.now(job).attempts) == ("done", 1)


def test_a_body_may_be_in_s3(desk: Desk) -> None:
    url = f"{desk.url}/tiny/uploads/body.json"
    desk.objects.put(url, b'{"x": 21}')
    job = desk.create(url=url)
    assert reported(desk.deliver(job)) == []
    assert json.loads(desk.now(job).result or b"")["double"] == 42


def test_a_body_that_is_gone_fails_the_job_and_names_no_place(desk: Desk) -> None:
    job = desk.create(url=f"{desk.url}/tiny/uploads/gone.json")
    result = desk.deliver(job)
    assert reported(result) == []
    assert result.error is not None
    assert "gone.json" in str(result.error)
    failed = desk.now(job)
    assert (failed.state, desk.model.calls) == ("failed", 0)
    assert "s3://" not in json.dumps(failed.problem)


@pytest.mark.parametrize(("above", "inline"), [(-1, True), (0, True), (1, False)])
def test_a_result_above_the_limit_of_a_record_is_put_into_s3(desk: Desk, above: int, inline: bool) -> None:
    empty = len(json.dumps({"double": 2.0, "note": ""}, separators=(",", ":")))
    desk.model.note = "n" * (MOST_RESULT_BYTES - empty + above)
    job = desk.create({"x": 1})
    assert reported(desk.deliver(job)) == []
    done = desk.now(job)
    assert (done.state, done.status) == ("done", 200)
    assert (done.result is not None, done.result_url is None) == (inline, inline)
    if not inline:
        assert done.result_url == f"{desk.url}/tiny/jobs/{job.id}/result"
    data = done.result if inline else desk.objects.read(str(done.result_url))
    assert data is not None
    assert len(data) == MOST_RESULT_BYTES + above
    assert json.loads(data)["note"] == desk.model.note


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ({"instances": [{"x": 1}, {"x": -1}]}, 422, ["x"]),
        ({"instances": [{}, {"x": "a"}]}, 422, ["x", "x"]),
        (b"{no json", 400, []),
    ],
)
def test_a_job_that_is_wrong_fails_at_once_with_its_problem(
    desk: Desk, body: Any, status: int, fields: list[str]
) -> None:
    job = desk.create(body)
    result = desk.deliver(job)
    assert (reported(result), result.status) == ([], status)
    failed = desk.now(job)
    assert (failed.state, failed.attempts, failed.problem and failed.problem["status"]) == ("failed", 1, status)
    assert [each["field"] for each in (failed.problem or {}).get("errors", [])] == fields
    assert desk.model.calls == 0


def test_a_model_that_raises_fails_its_job_without_the_exception_s_text(desk: Desk) -> None:
    job = desk.create({"x": 13})
    result = desk.deliver(job)
    assert (reported(result), result.status) == ([], 500)
    assert result.error is not None
    assert isinstance(result.error.__cause__, KeyError)
    failed = desk.now(job)
    assert (failed.state, failed.problem and failed.problem["title"]) == ("failed", "Model failed")
    assert SECRET not in json.dumps(failed.problem)
    assert "KeyError" not in json.dumps(failed.problem)


def refuse() -> None:
    raise StoreError(SECRET)


def test_an_error_that_may_pass_gives_the_job_back_and_reports_its_message(desk: Desk) -> None:
    job = desk.create({"x": 1})
    desk.model.before = refuse
    result = desk.deliver(job)
    assert (reported(result), result.status) == (["m0"], 503)
    waiting = desk.now(job)
    assert (waiting.state, waiting.attempts, waiting.claimed_until) == ("queued", 1, None)
    desk.model.before = lambda: None
    assert reported(desk.deliver(job)) == []
    assert (desk.now(job).state, desk.now(job).attempts, desk.now(job).problem) == ("done", 2, None)


def test_a_job_whose_attempts_are_used_up_fails_and_its_message_goes_to_the_dead_letter_queue(desk: Desk) -> None:
    job = desk.create({"x": 1})
    desk.model.before = refuse
    states = []
    for _ in range(ATTEMPTS):
        assert reported(desk.deliver(job)) == ["m0"]
        states.append(desk.now(job).state)
    assert states == [*["queued"] * (ATTEMPTS - 1), "failed"]
    failed = desk.now(job)
    assert (failed.attempts, failed.problem and failed.problem["status"]) == (ATTEMPTS, 503)
    assert SECRET not in json.dumps(failed.problem)
    desk.model.before = lambda: None
    assert desk.jobs.requeue("tiny", job.id).state == "queued"
    assert reported(desk.deliver(job)) == []
    assert (desk.now(job).state, desk.now(job).attempts) == ("done", 1)


def test_a_large_result_that_s3_does_not_take_is_tried_again_and_the_job_does_not_stay_running(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.model.note = "n" * MOST_RESULT_BYTES
    job = desk.create({"x": 1})
    monkeypatch.setenv("MODELET_BATCHES", "s3://a-bucket-that-is-not-there")
    states = []
    for _ in range(ATTEMPTS):
        assert reported(desk.deliver(job)) == ["m0"]
        states.append(desk.now(job).state)
    assert states == [*["queued"] * (ATTEMPTS - 1), "failed"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "[" * 100_000,
        "[]",
        "null",
        '"tiny"',
        "{}",
        '{"model": "tiny"}',
        '{"model": "another", "id": "20261129T051200Z-1a2b3c4d"}',
        '{"model": "tiny", "id": 7}',
        '{"model": "tiny", "id": ""}',
        '{"model": "tiny", "id": "\\ud800"}',
        json.dumps({"model": "tiny", "id": "i" * 3000}),
        {"model": "tiny", "id": "a-body-that-is-no-text"},
        None,
    ],
)
def test_a_poison_message_is_reported_alone(desk: Desk, body: Any) -> None:
    good = desk.create({"x": 1})
    result = desk.deliver(body, good)
    assert (reported(result), result.status) == (["m0"], 400)
    assert desk.now(good).state == "done"


def test_a_message_without_a_body_is_reported(desk: Desk) -> None:
    event = {"Records": [{"messageId": "m0", "eventSource": "aws:sqs"}]}
    assert edge.matches(event)
    assert reported(edge.answer(event, desk.service, Call("request", 60))) == ["m0"]


def test_a_job_that_no_record_has_is_dropped(desk: Desk) -> None:
    assert reported(desk.deliver(json.dumps({"model": "tiny", "id": new_id()}))) == []
    assert desk.model.calls == 0


def test_a_cancelled_job_does_not_run(desk: Desk) -> None:
    job = desk.create({"x": 1})
    desk.jobs.cancel("tiny", job.id)
    assert reported(desk.deliver(job)) == []
    assert (desk.now(job).state, desk.model.calls) == ("cancelled", 0)


@pytest.mark.parametrize("ending", [lambda: None, refuse], ids=["answered", "failed"])
@pytest.mark.parametrize("note", ["", "n" * MOST_RESULT_BYTES], ids=["small", "large"])
def test_a_job_that_is_cancelled_while_it_runs_drops_its_result(
    desk: Desk, ending: Callable[[], None], note: str
) -> None:
    job = desk.create({"x": 1})
    desk.model.note = note

    def cancel() -> None:
        desk.jobs.cancel("tiny", job.id)
        ending()

    desk.model.before = cancel
    desk.deliver(job)
    cancelled = desk.now(job)
    assert (cancelled.state, cancelled.result, cancelled.result_url) == ("cancelled", None, None)
    assert reported(desk.deliver(job)) == []
    assert desk.model.calls == 1


def test_a_job_that_another_worker_holds_is_reported_and_left_alone(desk: Desk) -> None:
    job = desk.create({"x": 1})
    held = desk.jobs.claim("tiny", job.id, "another", time.time() + 60)
    result = desk.deliver(job)
    assert (reported(result), result.status, desk.model.calls) == (["m0"], 503, 0)
    assert desk.now(job).holder == (held.job and held.job.holder)


def test_a_job_whose_worker_ended_without_a_word_runs_again(desk: Desk) -> None:
    job = desk.create({"x": 1})
    desk.jobs.claim("tiny", job.id, "another", time.time() - 1)
    assert reported(desk.deliver(job)) == []
    assert (desk.now(job).state, desk.now(job).attempts) == ("done", 2)


def test_a_job_that_takes_too_long_is_given_back_before_the_timeout(desk: Desk) -> None:
    job = desk.create({"x": 1})
    desk.model.before = lambda: time.sleep(30)
    started = time.monotonic()
    result = desk.deliver(job, remaining=edge.RESERVE_S + 1)
    assert time.monotonic() - started < 10
    assert (reported(result), result.status) == (["m0"], 504)
    assert desk.now(job).state == "queued"


@pytest.mark.parametrize(
    "event",
    [
        None,
        {},
        {"Records": []},
        {"Records": {}},
        {"Records": [{"eventSource": "aws:s3"}]},
        {"Records": [{"eventSource": "aws:sqs"}]},
        [{"eventSource": "aws:sqs", "messageId": "m0"}],
    ],
)
def test_other_events_are_not_messages_of_a_queue(event: Any) -> None:
    assert not edge.matches(event)
