"""The events of a model's worker in events/diabetes/worker, and what must be in AWS before and after them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from modelet.batch.files import BatchFiles
from modelet.batch.generations import Generations
from modelet.batch.records import Batches
from modelet.batch.request import BatchRequest
from modelet.batch.table import CONTROL, PREDICTIONS
from modelet.jobs.records import Jobs
from support.repository import ROOT
from support.samples import sample
from support.tables import create_table

MODEL = "diabetes"
FOLDER = ROOT / "events" / MODEL
STEPS = ("plan", "chunk", "finish", "job")
"""The events in their order: the steps of one batch, and the message of a job."""
INPUTS = "s3://patients/new/*.csv"
"""Where the batch finds its input, which is patients.csv beside the events."""
NOTICE_LIMIT_S = 30


def worker_event(step: str) -> Any:
    """An event of the worker."""
    return sample(MODEL, f"worker/{step}")


@dataclass
class WorkerPlace:
    """Two tables, two buckets and a topic in an emulator, with the batch and the job that the events name.

    client: gives boto3's client of a service. mark: the first part of the names; the inputs' bucket has its own.
    """

    client: Callable[[str], Any]
    mark: str = "worker"
    topic: str = field(init=False)
    notices: str = field(init=False)

    def __post_init__(self) -> None:
        for name, keys in {self.control: CONTROL, self.predictions: PREDICTIONS}.items():
            create_table(self.client("dynamodb"), name, keys)
        bucket, _, pattern = INPUTS.removeprefix("s3://").partition("/")
        for each in (self.bucket, bucket):
            self.client("s3").create_bucket(Bucket=each)
        patients = FOLDER / "patients.csv"
        self.client("s3").put_object(
            Bucket=bucket, Key=pattern.replace("*.csv", patients.name), Body=patients.read_bytes()
        )
        self.topic = self.client("sns").create_topic(Name=f"{self.mark}-batches")["TopicArn"]
        self.notices = self.client("sqs").create_queue(QueueName=f"{self.mark}-notices")["QueueUrl"]
        arn = self.client("sqs").get_queue_attributes(QueueUrl=self.notices, AttributeNames=["QueueArn"])
        self.client("sns").subscribe(
            TopicArn=self.topic,
            Protocol="sqs",
            Endpoint=arn["Attributes"]["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )
        self.batches.create(
            MODEL,
            self.batch,
            version="1",
            function=f"arn:aws:lambda:us-east-1:123456789012:function:modelet-dev-{MODEL}-worker:1",
            request=BatchRequest((INPUTS,), "id"),
            tolerated=0.1,
            load="write",
        )
        self.jobs.create(MODEL, self.job, version="1", body=sample(MODEL)["body"].encode())

    @property
    def control(self) -> str:
        return f"{self.mark}-control"

    @property
    def predictions(self) -> str:
        return f"{self.mark}-predictions"

    @property
    def bucket(self) -> str:
        return f"{self.mark}-batches"

    @property
    def batch(self) -> str:
        return str(worker_event("plan")["batch"]["id"])

    @property
    def job(self) -> str:
        return str(json.loads(worker_event("job")["Records"][0]["body"])["id"])

    @property
    def batches(self) -> Batches:
        return Batches(self.client("dynamodb"), self.control)

    @property
    def jobs(self) -> Jobs:
        return Jobs(self.client("dynamodb"), self.control)

    @property
    def variables(self) -> dict[str, str]:
        """What a worker's function is told of its place."""
        return {
            "MODELET_CONTROL_TABLE": self.control,
            "MODELET_BATCHES": f"s3://{self.bucket}",
            "MODELET_PREDICTION_TABLE": self.predictions,
            "MODELET_IMPORT_PREFIX": f"{self.mark}-imported-",
            "MODELET_TOPIC": self.topic,
            "MODELET_DUPLICATES": "refuse",
            "MODELET_JOB_ATTEMPTS": "3",
        }

    def check(self, step: str, answer: Any) -> None:
        """Assert what an event has done, beside its answer."""
        record = self.batches.get(MODEL, self.batch)
        if step == "plan":
            assert answer == {"bucket": self.bucket, "key": f"{MODEL}/{self.batch}/chunks/1.jsonl", "chunks": 1}
            assert record.state == "RUNNING"
            [line] = (
                self.client("s3").get_object(Bucket=answer["bucket"], Key=answer["key"])["Body"].read().splitlines()
            )
            assert json.loads(line) == worker_event("chunk")["chunk"], line
        elif step == "chunk":
            assert answer == {}
            assert (record.chunks_done, record.rows_done, record.rows_failed) == (1, 100, 0)
            assert self.batches.done_numbers(record) == {0}
            assert self.client("s3").head_object(Bucket=self.bucket, Key=self._key(0))["ContentLength"]
        elif step == "finish":
            assert answer == {"state": "DONE"}
            assert (record.state, record.notified, record.problem) == ("DONE", True, None)
            active = Generations(self.client("dynamodb"), self.control).active(MODEL)
            assert active is not None
            assert (active.generation, active.table, active.rows) == (self.batch, self.predictions, 100)
            assert self.notice()["state"] == "DONE"
        else:
            assert answer == {"batchItemFailures": []}
            job = self.jobs.get(MODEL, self.job)
            assert (job.state, job.status, job.attempts, job.problem) == ("done", 200, 1, None)

    def outcome(self) -> dict[str, Any]:
        """What the worker has inferred: predictions by key, and the result of the job."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=self.predictions)
        predictions = {item["id"]["S"]: json.loads(item["prediction"]["S"]) for page in pages for item in page["Items"]}
        return {"predictions": predictions, "job": json.loads(self.jobs.get(MODEL, self.job).result or b"null")}

    def notice(self) -> dict[str, Any]:
        """The message that the topic's subscriber got about the batch."""
        until = time.monotonic() + NOTICE_LIMIT_S
        while time.monotonic() < until:
            received = self.client("sqs").receive_message(
                QueueUrl=self.notices, WaitTimeSeconds=1, MessageAttributeNames=["All"]
            )
            for message in received.get("Messages", []):
                said: dict[str, Any] = json.loads(message["Body"])
                attributes = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
                assert attributes == {name: said[name] for name in ("model", "state", "id")}
                return said
        raise AssertionError("no notice of the batch's end has arrived")

    def _key(self, number: int) -> str:
        files = BatchFiles.of(f"s3://{self.bucket}", MODEL, self.batch)
        return files.keys(number).removeprefix(f"s3://{self.bucket}/")
