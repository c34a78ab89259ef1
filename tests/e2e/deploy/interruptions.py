"""What interrupts a batch in a deployed stage, step by step, for steps.py: a cancel, a death, a deployment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from e2e.deploy.asking import INSTANCE, PATH, ROWS, active, call, ended, inferred, one_batch, start, until
from e2e.deploy.deployment import Deployment, function_name
from e2e.deploy.project import BATCHED, INPUTS, MORE

CHUNK_ROWS, CHUNKS = 25, 4
WORKER = f"{function_name(BATCHED)}-worker"
LARGE, LARGE_ROWS = "new/large/patients.csv", 6_000
"""An input in one chunk, of several pieces: one is written while the next is still to come."""


@contextmanager
def held(deployment: Deployment) -> Iterator[str]:
    """Start a batch, and hold it after its first chunk for the length of a block; gives its path."""
    gate = deployment.account.invoker.gate
    gate.close(after=1)
    try:
        path = start(deployment, chunk_rows=CHUNK_ROWS)
        until(lambda: call(deployment, "GET", path)["chunks_done"] == 1, "no chunk is done")
        until(lambda: len(gate.waiting) == CHUNKS - 1, "the other chunks do not wait")
        yield path
    finally:
        gate.open()


def a_batch_that_is_cancelled_in_its_middle_is_resumed_with_what_is_missing(deployment: Deployment) -> None:
    with held(deployment) as path:
        assert call(deployment, "DELETE", path)["state"] == "CANCELLED"
    stopped = ended(deployment, path)
    assert (stopped["state"], stopped["chunks_done"], stopped["rows_done"]) == ("CANCELLED", 1, CHUNK_ROWS)
    assert call(deployment, "POST", f"{path}/resume", status=202)["attempt"] == 2
    found = ended(deployment, path)
    assert (found["state"], found["chunks_done"], found["rows_done"]) == ("DONE", CHUNKS, ROWS)
    passed = deployment.account.invoker.gate.passed
    assert passed.count(passed[0]) == 1, "the chunk that was done did not run again"


def a_worker_that_is_killed_in_the_middle_of_a_chunk_loses_and_doubles_nothing(deployment: Deployment) -> None:
    bucket, invoker = INPUTS.split("/")[2], deployment.account.invoker
    deployment.account.client("s3").put_object(Bucket=bucket, Key=LARGE, Body=_patients())
    with deployment.step("a batch whose worker is killed"):
        path = start(deployment, inputs=[f"s3://{bucket}/{LARGE}"])
        generation = path.rpartition("/")[2]
        until(lambda: _rows(deployment, generation), "nothing was written")
        invoker.kill(WORKER)
        assert call(deployment, "GET", path)["chunks_done"] == 0, "the chunk was over before its worker was killed"
        found = ended(deployment, path)
    assert (found["state"], found["rows_done"], found["rows_failed"]) == ("DONE", LARGE_ROWS, 0), found
    assert _rows(deployment, generation) == LARGE_ROWS
    assert any("signal: killed" in line for line in invoker.log.said[WORKER])
    assert active(deployment) == generation


def subscribers_are_told_that_a_batch_has_ended(deployment: Deployment) -> None:
    """A queue may take messages of the topic alone, and wants those of one state."""
    sns, sqs = deployment.account.client("sns"), deployment.account.client("sqs")
    topic = deployment.worker_variables(BATCHED)["MODELET_TOPIC"]
    queue = sqs.create_queue(QueueName="ended-batches")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": [allowed]})})
    wanted = {"RawMessageDelivery": "true", "FilterPolicy": json.dumps({"state": ["DONE"], "model": [BATCHED]})}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=wanted)
    failed = ended(deployment, start(deployment, inputs=["s3://others/rows.csv"]))
    done = one_batch(deployment)

    def received() -> list[Any]:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        return list(found.get("Messages", []))

    [message] = until(received, "no message has arrived")
    said = {"model": BATCHED, "id": done["id"], "version": done["version"], "state": "DONE"}
    assert json.loads(message["Body"]) == {**said, "rows": ROWS, "failed": 0, "problem": None}
    attributes = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
    assert attributes == {name: said[name] for name in ("model", "id", "state")}
    assert failed["state"] == "FAILED"
    assert not received(), "the queue did not want the batch that failed"


@contextmanager
def a_batch_that_runs_meanwhile_keeps_its_version(deployment: Deployment) -> Iterator[None]:
    """A batch begins before the block, in which another version is deployed, and ends after it."""
    before, worker = inferred(deployment), deployment.worker_version(BATCHED)
    with held(deployment) as path:
        yield
        deployed = deployment.worker_version(BATCHED)
        assert deployed != worker
    found = ended(deployment, path)
    assert (found["state"], found["rows_done"], found["version"]) == ("DONE", ROWS, "1")
    asked = deployment.account.invoker.asked
    assert (WORKER, worker) in asked
    assert (WORKER, deployed) not in asked
    assert active(deployment) == found["id"]
    assert _prediction(deployment) == pytest.approx(before)
    assert one_batch(deployment)["version"] == "2"
    assert (WORKER, deployed) in asked
    active(deployment)
    assert _prediction(deployment) == pytest.approx(inferred(deployment)) == pytest.approx(before + MORE)


def _prediction(deployment: Deployment) -> Any:
    return call(deployment, "GET", f"{PATH}/predictions?key=patient-1")["prediction"]


def _patients() -> str:
    """The first patient many times, under other keys."""
    values = ",".join(str(value) for value in INSTANCE.values())
    lines = [f"id,{','.join(INSTANCE)}", *(f"copy-{number},{values}" for number in range(LARGE_ROWS))]
    return "\n".join(lines)


def _rows(deployment: Deployment, generation: str) -> int:
    """How many rows of a generation are in the table."""
    pages = (
        deployment.account.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=deployment.prediction_table(BATCHED),
            Select="COUNT",
            FilterExpression="generation = :generation",
            ExpressionAttributeValues={":generation": {"S": generation}},
        )
    )
    return sum(page["Count"] for page in pages)
