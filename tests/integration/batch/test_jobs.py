"""A worker runs the jobs of a queue's messages against an emulator: each once, and each with a true record."""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import boto3
import pytest
from annotated_types import Ge
from typing_extensions import TypedDict

from modelet.batch.table import CONTROL, new_id
from modelet.edges import queue as edge
from modelet.edges.base import Call, EdgeResult
from modelet.errors import StoreError
from modelet.jobs import queue as job_queue
from modelet.jobs import run
from modelet.jobs.record import JobRecord
from modelet.jobs.records import MOST_RESULT_BYTES, Jobs
from modelet.model import Model
from modelet.protocols import rows
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
        self.delivered: Counter[Any] = Counter()
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
        records = []
        for place, each in enumerate(messages):
            body = message(each) if isinstance(each, JobRecord) else each
            self.delivered[str(body)] += 1
            count = {"ApproximateReceiveCount": str(self.delivered[str(body)])}
            records.append({"messageId": f"m{place}", "eventSource": "aws:sqs", "body": body, "attributes": count})
        event = {"Records": records}
        assert edge.matches(event)
        return edge.answer(event, self.service, Call("request", remaining))


@pytest.fixture
def desk(place: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(place, monkeypatch)


def message(job: JobRecord) -> str:
    """The body of a job's message."""
    return json.dumps({"model": job.model, "id": job.id})


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
    desk.delivered.clear()  # a redrive sends another message
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
    desk.delivered[message(job)] = 1
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


def test_a_job_is_answered_with_the_media_types_and_the_flag_of_its_request(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(body: bytes, pipeline: Any, *, partial: bool = False) -> Any:
        cells = [{"x": float(line)} for line in body.decode().splitlines()]
        return rows.read_json(json.dumps({"instances": cells}).encode(), pipeline, partial=partial)

    def write(result: Any, _service: Service, *, bare: bool) -> bytes:
        assert not bare
        return b"\xff%d" % len(result.predictions)

    monkeypatch.setitem(rows.MEDIA.readers, "text/csv", read)
    monkeypatch.setitem(rows.MEDIA.writers, "application/octet-stream", write)
    members = {"media_type": "text/csv; charset=utf-8", "accept": "application/octet-stream", "partial": True}
    job = desk.create(b"1\n2\n-1", **members)
    assert reported(desk.deliver(job)) == []
    done = desk.now(job)
    assert (done.state, done.result_type, done.result) == ("done", "application/octet-stream", b"\xff2")
    strict = desk.create(b"1\n2\n-1", **{**members, "partial": False})
    desk.deliver(strict)
    assert (desk.now(strict).problem or {})["status"] == 422


def test_a_media_type_that_the_worker_does_not_read_fails_the_job(desk: Desk) -> None:
    job = desk.create(b"x\n1", media_type="text/csv")
    assert reported(desk.deliver(job)) == []
    assert (desk.now(job).state, (desk.now(job).problem or {})["status"]) == ("failed", 415)


class Killed(BaseException):
    """Ends a worker as a signal does: nobody answers, and nobody cleans up."""


class Line:
    """A real queue with a dead-letter queue, and what Lambda does between it and a worker.

    As long as nobody says otherwise, a message is hidden for a day.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.sqs = boto3.client("sqs")
        name = f"line-{next(_lines)}"
        self.failed = self.sqs.create_queue(QueueName=f"{name}-failed")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.failed, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": ATTEMPTS})
        attributes = {"RedrivePolicy": redrive, "VisibilityTimeout": "43200"}
        self.url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.counts: list[int] = []

    def send(self, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def poll(self) -> bool:
        """Deliver what is visible to a worker; return whether there was something."""
        found = self.sqs.receive_message(QueueUrl=self.url, AttributeNames=["All"], WaitTimeSeconds=1).get("Messages")
        for each in found or []:
            self.counts.append(int(each["Attributes"]["ApproximateReceiveCount"]))
            record = {"messageId": each["MessageId"], "receiptHandle": each["ReceiptHandle"], "body": each["Body"]}
            record |= {"eventSource": "aws:sqs", "attributes": each["Attributes"]}
            try:
                answered = edge.answer({"Records": [record]}, self.desk.service, Call("request", REMAINING_S))
            except Killed:
                continue
            if not reported(answered):
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=each["ReceiptHandle"])
        return bool(found)

    def poll_until(self, done: Callable[[], bool]) -> None:
        ends = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < ends, "the message did not come again"
            self.poll()

    def dead(self) -> list[str]:
        """The bodies in the dead-letter queue, which stay there."""
        found = self.sqs.receive_message(QueueUrl=self.failed, VisibilityTimeout=0).get("Messages", [])
        return [each["Body"] for each in found]


REMAINING_S = 2.0
PATIENCE_S = 60.0
_lines = itertools.count()


@pytest.fixture
def line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A queue whose worker knows it, with short times."""
    made = Line(desk)
    monkeypatch.setenv("MODELET_JOB_QUEUE", made.url)
    for module, name, seconds in (
        (edge, "RESERVE_S", 0.5),
        (edge, "GRACE_S", 0.5),
        (run, "GRACE_S", 0.5),
        (job_queue, "FIRST_PAUSE_S", 0.5),
    ):
        monkeypatch.setattr(module, name, seconds)
    return made


def failing(times: int, error: type[BaseException] | Callable[[], BaseException]) -> Callable[[], None]:
    """Raise an error at the first calls."""
    left: Iterator[int] = iter(range(times))

    def fail() -> None:
        if next(left, None) is not None:
            raise error()

    return fail


def test_a_job_that_fails_twice_by_an_error_that_may_pass_is_done_within_seconds(desk: Desk, line: Line) -> None:
    job = desk.create({"x": 1})
    desk.model.before = failing(2, lambda: StoreError(SECRET))
    line.send(message(job))
    line.poll_until(lambda: desk.now(job).state == "done")
    assert (desk.now(job).attempts, line.counts, line.dead()) == (3, [1, 2, 3], [])


def test_a_killed_worker_s_job_is_done_by_the_next_one_soon(desk: Desk, line: Line) -> None:
    job = desk.create({"x": 1})
    desk.model.before = failing(1, Killed)
    line.send(message(job))
    assert line.poll()
    assert desk.now(job).state == "running"
    line.poll_until(lambda: desk.now(job).state == "done")
    assert (desk.now(job).attempts, line.counts) == (2, [1, 2])


def test_a_job_whose_every_worker_is_killed_has_failed_and_its_message_can_be_redriven(desk: Desk, line: Line) -> None:
    job = desk.create({"x": 1})
    desk.model.before = failing(ATTEMPTS, Killed)
    line.send(message(job))
    line.poll_until(lambda: bool(line.dead()))
    assert line.counts == [1, 2, 3]
    assert desk.now(job).state == "running", "nobody looked at it yet"
    failed = desk.jobs.settled(desk.now(job), ATTEMPTS)
    assert (failed.state, (failed.problem or {})["title"]) == ("failed", "Worker ended")
    assert line.dead() == [message(job)]
    desk.jobs.requeue("tiny", job.id)
    line.send(line.dead()[0])
    line.poll_until(lambda: desk.now(job).state == "done")


def test_a_job_that_fails_at_its_last_attempt_is_in_the_dead_letter_queue_at_once(desk: Desk, line: Line) -> None:
    job = desk.create({"x": 1})
    desk.model.before = refuse
    line.send(message(job))
    line.poll_until(lambda: bool(line.dead()))
    assert (desk.now(job).state, line.counts) == ("failed", [1, 2, 3])


def test_a_message_whose_job_another_worker_has_comes_again_when_that_claim_ends(desk: Desk, line: Line) -> None:
    job = desk.create({"x": 1})
    desk.jobs.claim("tiny", job.id, "another", time.time() + 4)
    line.send(message(job))
    line.poll_until(lambda: desk.now(job).state == "done")
    assert line.counts == [1, 2], "it came once in vain, and not before the claim had ended"
    assert line.dead() == []


def test_a_poison_message_is_in_the_dead_letter_queue_at_once(desk: Desk, line: Line) -> None:
    line.send("no JSON")
    line.poll_until(lambda: line.dead() == ["no JSON"])
    assert desk.model.calls == 0


def test_a_job_is_done_also_if_its_message_cannot_be_hidden(
    desk: Desk, line: Line, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MODELET_JOB_QUEUE", f"{line.url}-that-is-gone")
    job = desk.create({"x": 1})
    line.send(message(job))
    with caplog.at_level(logging.WARNING):
        assert line.poll()
    assert desk.now(job).state == "done"
    assert "only after the visibility timeout" in caplog.text


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
