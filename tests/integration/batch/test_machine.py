"""The state machine in the emulator, from a request to the announcement of the end, with workers that fail."""

from __future__ import annotations

import itertools
import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from modelet.batch import clients
from modelet.batch.chunk import Chunk
from modelet.batch.plan import from_lines
from modelet.batch.record import BatchRecord
from modelet.dev.local.emulator.emulator import Emulator
from modelet.edges import chunk as edge
from support.batches import Stage, csv_text
from support.batches_api import Answer, Api, PlatformContext, event_loop, loaded
from support.batches_api import Stage as PlatformStage
from support.events import http_event
from support.services import service
from support.state_machine import Hook, Machine, Steps, WorkerError, emulated_steps, wait_until

from .conftest import BUCKET
from .test_worker import Doubling, expected, rows

KILLED = WorkerError("Runtime.ExitError", "RequestId: 1 Error: Runtime exited with error: signal: killed")
PATH = "/models/tiny/batches"
INPUTS = f"{BUCKET}-inputs"
"""Callers may not name objects in the bucket of batches."""
_numbers = itertools.count()


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Emulator, Steps]]:
    with emulated_steps(tmp_path_factory.mktemp("machine")) as found:
        yield found


@dataclass
class Flow:
    """A stage with everything that a batch meets: the platform function, the state machine, the worker, the topic."""

    api: Api
    machine: Machine
    steps: Steps
    queue: str
    seen: list[dict[str, Any]] = field(default_factory=list)

    @property
    def stage(self) -> Stage:
        return self.machine.stage

    def before(self, hook: Hook) -> None:
        """Call the hook before each step."""
        self.steps.before = hook

    def start(self, given: list[dict[str, Any]], **request: Any) -> str:
        """Start a batch over the API, in chunks of ten rows; give its id."""
        boto3.client("s3").create_bucket(Bucket=INPUTS)
        url = f"s3://{INPUTS}/{next(_numbers)}.csv"
        self.stage.worker.objects.put(url, csv_text(given))
        answer = self.api(http_event("POST", PATH, {"inputs": [url], "key": "id", "chunk_rows": 10, **request}))
        assert answer.status == 202, answer.body
        return str(answer.body["id"])

    def call(self, method: str, batch: str, rest: str = "") -> Answer:
        answer = self.api(http_event(method, f"{PATH}/{batch}{rest}"))
        assert answer.status in {200, 202}, answer.body
        return answer

    def record(self, batch: str) -> BatchRecord:
        return self.stage.worker.batches.get("tiny", batch)

    def ended(self, batch: str, attempt: int = 1) -> dict[str, Any]:
        """The batch as the API shows it, when the execution of an attempt has ended."""
        self.machine.execution(f"tiny-{batch}-{attempt}")
        shown: dict[str, Any] = self.call("GET", batch).body
        return shown

    def announced(self, batch: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
        """The attributes and the contents of the messages of a batch so far."""
        sqs = boto3.client("sqs")
        while found := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for each in found:
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=each["ReceiptHandle"])
                self.seen.append(json.loads(each["Body"]))
        made = [
            ({name: each["Value"] for name, each in one["MessageAttributes"].items()}, json.loads(one["Message"]))
            for one in self.seen
        ]
        return [(attributes, said) for attributes, said in made if said["id"] == batch]

    def completed(self, batch: str) -> list[str]:
        """The states with which the author's method was called."""
        model = self.stage.service.pipeline.model
        assert isinstance(model, Doubling)
        return [each["state"] for each in model.completed if each["id"] == batch]


@pytest.fixture
def flow(emulated: tuple[Emulator, Steps], monkeypatch: pytest.MonkeyPatch) -> Iterator[Flow]:
    emulator, steps = emulated
    for name, value in emulator.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the credentials of another emulator
    clients.client.cache_clear()
    prefix = f"flow-{next(_numbers)}"
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name=f"{prefix}-batches")["TopicArn"]
    queue = sqs.create_queue(QueueName=f"{prefix}-ends")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**allowed, "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    stage = Stage.create(service(Doubling), f"s3://{BUCKET}/{prefix}", topic=topic)
    machine = Machine(prefix, stage)
    steps.stage, steps.before = stage, lambda _event: None
    with event_loop(), loaded(machine.environment(BUCKET)) as module:
        api = Api(module, PlatformStage(emulator.endpoint, prefix, machine.arn))
        yield Flow(api, machine, steps, queue)


def fails(error: WorkerError, *steps: str, number: int | None = None) -> Hook:
    """Let some steps fail at every attempt. number: of the one chunk; None for all."""

    def hook(event: dict[str, Any]) -> None:
        if event[edge.STEP] in steps and number in {None, event.get("chunk", {}).get("number")}:
            raise error

    return hook


@dataclass
class Gate:
    """Holds chunks until it is opened."""

    arrived: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def __call__(self, event: dict[str, Any]) -> None:
        if event[edge.STEP] == "chunk":
            self.arrived.set()
            assert self.opened.wait(60)


def test_a_chunk_whose_worker_is_killed_at_every_attempt_is_named_with_its_error_and_the_others_are_done(
    flow: Flow,
) -> None:
    given, kills = rows(40), fails(KILLED, "chunk", number=2)
    tried: list[int] = []

    def hook(event: dict[str, Any]) -> None:
        tried.extend([event["chunk"]["number"]] if event[edge.STEP] == "chunk" else [])
        kills(event)

    flow.before(hook)
    batch = flow.start(given)
    shown = flow.ended(batch)
    assert (shown["state"], shown["chunks_done"], shown["chunks_failed"]) == ("FAILED", 3, 1)
    assert tried.count(2) == 3
    [error] = shown["progress"]["errors"]
    assert (error["chunk"], error["attempt"], error["problem"]["type"]) == (2, 1, "urn:modelet:problem:worker")
    assert "ran out of memory" in error["problem"]["detail"]
    assert "Runtime.ExitError" in error["problem"]["detail"]
    flow.before(lambda _event: None)
    flow.call("POST", batch, "/resume")
    shown = flow.ended(batch, 2)
    assert (shown["state"], shown["chunks_failed"], shown["progress"]["errors"]) == ("DONE", 0, [])
    assert flow.stage.predictions(flow.record(batch)) == expected(given)


def test_a_batch_ends_also_if_nobody_can_record_what_happened_to_its_chunk(flow: Flow) -> None:
    flow.before(fails(KILLED, "chunk", "missed", number=2))
    shown = flow.ended(flow.start(rows(40)))
    assert (shown["state"], shown["chunks_done"], shown["progress"]["errors"]) == ("FAILED", 3, [])
    assert "1 of 4 chunks did not finish" in shown["problem"]["detail"]


def test_a_batch_whose_last_step_fails_at_every_attempt_does_not_run_for_ever(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow.before(fails(WorkerError("Runtime.OutOfMemory"), "finish"))
    batch = flow.start(rows(40))
    name = f"tiny-{batch}-1"
    execution = flow.machine.execution(name)
    assert (execution["status"], flow.record(batch).state) == ("FAILED", "RUNNING")
    flow.before(lambda _event: None)
    detail = {"status": "FAILED", "name": name, "input": execution["input"]}
    flow.api.module.handler(
        {"detail-type": "Step Functions Execution Status Change", "detail": detail}, PlatformContext()
    )
    assert flow.record(batch).state == "FAILED"
    flow.machine.execution(f"{name}-end")
    assert [said["state"] for _, said in flow.announced(batch)] == ["FAILED"]
    monkeypatch.setattr(sys.modules["endings"], "SETTLED_S", -1)
    flow.call("POST", batch, "/resume")
    assert flow.ended(batch, 2)["state"] == "DONE"


def cancelled(flow: Flow) -> str:
    """Start a batch and cancel it while its chunks run."""
    gate = Gate()
    flow.before(gate)
    batch = flow.start(rows(40))
    assert gate.arrived.wait(60)
    assert flow.call("DELETE", batch).body["state"] == "CANCELLED"
    gate.opened.set()
    return batch


def done(flow: Flow) -> str:
    return flow.start(rows(40))


def failed(flow: Flow) -> str:
    flow.before(fails(KILLED, "chunk", number=0))
    return flow.start(rows(40))


@pytest.mark.parametrize(
    ("begin", "state", "suffix"),
    [(done, "DONE", ""), (failed, "FAILED", ""), (cancelled, "CANCELLED", "-end")],
    ids=["done", "failed", "cancelled"],
)
def test_each_end_of_a_batch_is_announced_with_its_attributes_and_to_the_author_s_method(
    flow: Flow, begin: Callable[[Flow], str], state: str, suffix: str
) -> None:
    batch = begin(flow)
    flow.machine.execution(f"tiny-{batch}-1{suffix}")
    wait_until(lambda: bool(flow.announced(batch)))
    for attributes, said in flow.announced(batch):
        assert attributes == {"model": "tiny", "id": batch, "state": state}
        assert (said["state"], said["version"], said["model"]) == (state, "3", "tiny")
    assert set(flow.completed(batch)) == {state}
    assert flow.record(batch).notified
    if suffix:
        assert flow.call("DELETE", batch).body["state"] == "CANCELLED", "twice is no error"


def test_a_batch_that_is_resumed_while_its_cancellation_is_announced_loses_nothing(flow: Flow) -> None:
    given, gate = rows(40), Gate()
    ends: list[int] = []

    def hook(event: dict[str, Any]) -> None:
        if event["batch"]["attempt"] == 1:
            gate(event)
            if event[edge.STEP] == "finish":
                ends.append(1)
                assert gate.opened.wait(60), "the announcement waits until the resume has begun"

    flow.before(hook)
    batch = flow.start(given)
    assert gate.arrived.wait(60)
    flow.call("DELETE", batch)
    wait_until(lambda: bool(ends))
    flow.call("POST", batch, "/resume")
    gate.opened.set()
    shown = flow.ended(batch, 2)
    assert flow.machine.execution(f"tiny-{batch}-1-end")["status"] == "SUCCEEDED"
    assert (shown["state"], shown["attempt"], shown["rows_done"]) == ("DONE", 2, 40)
    assert flow.stage.predictions(flow.record(batch)) == expected(given)
    assert [said["state"] for _, said in flow.announced(batch)] == ["DONE"]


def test_a_batch_keeps_its_worker_s_version_in_every_chunk_while_its_model_is_deployed_anew(flow: Flow) -> None:
    gate = Gate()
    flow.before(gate)
    old = flow.start(rows(40))
    assert gate.arrived.wait(60)
    newer = flow.machine.deploy()
    gate.opened.set()
    new = flow.start(rows(40))
    assert newer.endswith(":2")
    for batch, version, model in ((old, "1", "3"), (new, "2", "3")):
        assert flow.ended(batch)["version"] == model, "the plan tells the model's version"
        chunks = flow.machine.inputs_of_chunks(f"tiny-{batch}-1")
        arns = {each["function"] for each in chunks}
        assert [arn.rpartition(":")[2] for arn in arns] == [version]
        assert len(chunks) == 4
        assert flow.record(batch).function in arns


# The step itself, without the state machine.


@pytest.fixture
def stage(place: str) -> Stage:
    return Stage.create(service(Doubling), place)


def planned(stage: Stage) -> tuple[BatchRecord, list[Chunk]]:
    batch = stage.create_batch(stage.put("a.csv", csv_text(rows(40))), chunk_rows=10)
    plan = stage.step("plan", batch)
    return batch, from_lines(stage.worker.objects.read(f"s3://{plan['bucket']}/{plan['key']}"))


def miss(stage: Stage, batch: BatchRecord, chunk: Chunk) -> None:
    cause = {"Error": "Sandbox.Timedout", "Cause": "{}"}
    assert stage.step("missed", batch, chunk=chunk.to_json(), cause=cause) == {}


def test_a_chunk_that_is_done_stays_done_though_it_is_reported_missed_later(stage: Stage) -> None:
    batch, chunks = planned(stage)
    stage.step("chunk", batch, chunk=chunks[0].to_json())
    miss(stage, batch, chunks[0])
    record = stage.record(batch)
    assert (record.chunks_done, record.chunks_failed, record.rows_done) == (1, 0, 10)
    assert stage.errors == []


def test_a_chunk_that_is_done_after_all_is_no_failure_any_more(stage: Stage) -> None:
    """Step Functions may give up an invocation that goes on."""
    batch, chunks = planned(stage)
    miss(stage, batch, chunks[0])
    assert stage.record(batch).chunks_failed == 1
    assert "timeout" in str(stage.errors[0])
    stage.step("chunk", batch, chunk=chunks[0].to_json())
    record = stage.record(batch)
    assert (record.chunks_done, record.chunks_failed, record.rows_done) == (1, 0, 10)


def test_what_a_worker_recorded_itself_says_more_and_stays(stage: Stage) -> None:
    batch, chunks = planned(stage)
    stage.worker.batches.chunk_failed(batch, 0, 1, {"detail": "no CSV"})
    miss(stage, batch, chunks[0])
    [error] = stage.worker.batches.progress(stage.record(batch)).errors
    assert error.problem == {"detail": "no CSV"}
    assert stage.record(batch).chunks_failed == 1


def test_a_chunk_of_an_earlier_attempt_is_not_reported(stage: Stage) -> None:
    batch, chunks = planned(stage)
    stage.worker.batches.cancel("tiny", batch.id)
    stage.worker.batches.resume("tiny", batch.id)
    miss(stage, batch, chunks[0])
    assert stage.record(batch).chunks_failed == 0


def test_a_late_last_step_does_not_wait_for_the_later_attempt(stage: Stage) -> None:
    batch, _ = planned(stage)
    stage.worker.batches.cancel("tiny", batch.id)
    resumed = stage.worker.batches.resume("tiny", batch.id)
    stage.step("plan", resumed)
    stage.worker.batches.set_state(resumed, ("RUNNING",), "LOADING")
    assert stage.step("finish", batch)["state"] not in {"LOADING", "FAILED"}, "the state machine goes by them"
