"""The sample events of a worker are what its state machine and its queue send, and it does what they ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parser.models import SqsModel

from modelet.batch import clients
from modelet.dev.project.project import Project
from modelet.settings import Settings
from support.callers import in_process
from support.contexts import Context
from support.repository import ROOT
from support.samples import sample
from support.worker_events import FOLDER, MODEL, STEPS, WorkerPlace, worker_event

MACHINE: dict[str, Any] = json.loads((ROOT / "layers/modelet/python/modelet/batch/machine.asl.json").read_text())
STATES: dict[str, Any] = MACHINE["States"]
PAYLOADS = {
    "plan": STATES["Plan"],
    "chunk": STATES["Chunks"]["ItemProcessor"]["States"]["Work"],
    "finish": STATES["Finish"],
}


def test_each_event_is_known() -> None:
    assert sorted(path.stem for path in (FOLDER / "worker").glob("*.json")) == sorted(STEPS)


def test_only_this_sample_has_a_worker(published: Project) -> None:
    assert [function.name for function in published.functions() if function.spec.own_worker] == [MODEL]


@pytest.mark.parametrize("step", PAYLOADS)
def test_a_step_is_what_the_state_machine_sends(step: str) -> None:
    event = worker_event(step)
    template = PAYLOADS[step]["Parameters"]["Payload"]
    assert event == {
        name.removesuffix(".$"): event[value[2:]] if "$" in name else value for name, value in template.items()
    }
    assert event["batch"] == worker_event("plan")["batch"], "the events are those of one batch"
    assert event["batch"]["model"] == MODEL


def test_the_chunk_is_the_whole_of_the_sample_s_input() -> None:
    patients = (FOLDER / "patients.csv").read_bytes()
    chunk = worker_event("chunk")["chunk"]
    assert (chunk["size"], chunk["start"], chunk["end"]) == (len(patients), patients.index(b"\n") + 1, len(patients))
    assert chunk["etag"] == f'"{md5(patients).hexdigest()}"'


def test_the_message_is_one_that_sqs_delivers() -> None:
    event = worker_event("job")
    SqsModel.model_validate(event)
    [record] = event["Records"]
    assert record["md5OfBody"] == md5(record["body"].encode()).hexdigest()
    assert record["eventSourceARN"] == f"arn:aws:sqs:{record['awsRegion']}:123456789012:modelet-dev-{MODEL}-jobs"
    message = json.loads(record["body"])
    assert message["model"] == MODEL
    created = datetime.strptime(message["id"][:18], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    times = [int(record["attributes"][name]) for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp")]
    assert [int(created.timestamp() * 1000), *times] == sorted([int(created.timestamp() * 1000), *times])


@pytest.fixture
def place(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerPlace]:
    clients.client.cache_clear()
    found = WorkerPlace(boto3.client)
    for name, value in found.variables.items():
        monkeypatch.setenv(name, value)
    yield found
    clients.client.cache_clear()


def test_a_worker_does_the_events_one_after_the_other(published: Project, place: WorkerPlace, tmp_path: Path) -> None:
    function = published.function(MODEL)
    with in_process(function, Settings(function.folder, published.store_url(None), tmp_path)) as handler:
        for step in STEPS:
            place.check(step, handler(worker_event(step), Context(remaining_ms=900_000)))
        online = handler(sample(MODEL), Context())
    outcome = place.outcome()
    assert len(outcome["predictions"]) == 100
    assert outcome["job"] == json.loads(online["body"])
    assert outcome["predictions"]["patient-1"] == pytest.approx(outcome["job"])
