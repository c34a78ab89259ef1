"""The tables and the bucket of batches in an emulator of AWS, and the state machine's steps one after the other."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import boto3

from modelet.batch.plan import from_lines
from modelet.batch.record import BatchRecord
from modelet.batch.request import BatchRequest
from modelet.batch.settings import WorkerSettings
from modelet.batch.table import CONTROL, PREDICTIONS, new_id
from modelet.batch.worker import Worker
from modelet.edges import chunk as edge
from modelet.edges.base import Call
from modelet.errors import ModeletError
from modelet.protocols.service import Service
from support.tables import create_table

ATTEMPTS = 3
"""How often the state machine tries a step that raises."""


def csv_text(rows: Iterable[dict[str, Any]]) -> bytes:
    """Rows as a CSV file with a header."""
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@dataclass
class Stage:
    """What a worker of one model finds in AWS. url: where batches write; inputs: where their inputs are put."""

    service: Service
    url: str
    settings: WorkerSettings
    worker: Worker = field(init=False)
    errors: list[ModeletError] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.worker = Worker(self.service, self.settings)
        edge._workers[id(self.service)] = self.worker

    @classmethod
    def create(cls, service: Service, url: str, **settings: Any) -> Stage:
        """Create the tables. url: an empty place of a bucket."""
        mark = url.rpartition("/")[2]
        names = {"control_table": f"control-{mark}", "prediction_table": f"predictions-{mark}"}
        create_table(boto3.client("dynamodb"), names["control_table"], CONTROL)
        create_table(boto3.client("dynamodb"), names["prediction_table"], PREDICTIONS)
        found = WorkerSettings(
            names["control_table"],
            prediction_table=names["prediction_table"],
            batches=f"{url}/batches",
            import_prefix=f"imported-{mark}-",
            **settings,
        )
        return cls(service, url, found)

    def put(self, name: str, data: bytes) -> str:
        """Put an input and return its URL."""
        url = f"{self.url}/inputs/{name}"
        self.worker.objects.put(url, data)
        return url

    def create_batch(self, *inputs: str, expires_days: int | None = None, **request: Any) -> BatchRecord:
        """Record a batch, as the API does. expires_days: as in model.yaml."""
        document = {"inputs": list(inputs), "key": "id", **request}
        return self.worker.batches.create(
            self.service.name,
            new_id(),
            version=self.service.version,
            function="arn:aws:lambda:us-east-1:123456789012:function:tiny-worker:1",
            request=BatchRequest.from_json(document),
            tolerated=document.get("tolerated", 0.1),
            load=document.get("load", "auto"),
            expires_days=expires_days,
        )

    def step(self, name: str, batch: BatchRecord, remaining: float | None = None, **more: Any) -> Any:
        """Send one step to the worker, again after an error that may pass. Raises the error of the last attempt."""
        event = {"modelet": name, "batch": {"model": batch.model, "id": batch.id, "attempt": batch.attempt}, **more}
        assert edge.matches(event)
        for attempt in range(1, ATTEMPTS + 1):
            outcome = edge.answer(json.loads(json.dumps(event)), self.service, Call("request", remaining))
            if outcome.error is not None:
                self.errors.append(outcome.error)
                if outcome.error.retryable and attempt < ATTEMPTS:
                    continue
                if outcome.error.retryable:
                    raise outcome.error
            return outcome.response
        raise AssertionError

    def run(self, batch: BatchRecord, before: Callable[[int], None] = lambda _number: None) -> BatchRecord:
        """Run a batch to its end, and return its record. before: called with the number of each chunk."""
        plan = self.step("plan", batch)
        if plan["chunks"]:
            chunks = from_lines(self.worker.objects.read(f"s3://{plan['bucket']}/{plan['key']}"))
            for each in chunks:
                before(each.number)
                try:
                    self.step("chunk", batch, chunk=each.to_json())
                except ModeletError:
                    continue  # the map goes on
        while self.step("finish", batch)["state"] == "LOADING":
            pass
        return self.record(batch)

    def record(self, batch: BatchRecord) -> BatchRecord:
        """The record as it is now."""
        return self.worker.batches.get(batch.model, batch.id)

    def items(self, table: str | None = None) -> dict[tuple[str, str], dict[str, Any]]:
        """All items of the prediction table, by generation and key, as JSON values."""
        found = {}
        pages = (
            boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table or self.settings.prediction_table)
        )
        for item in (item for page in pages for item in page["Items"]):
            values = {name: next(iter(value.values())) for name, value in item.items()}
            found[values["generation"], values["id"]] = values
        return found

    def predictions(self, batch: BatchRecord) -> dict[str, Any]:
        """The predictions of a generation by key."""
        active = self.worker.generations.active(batch.model)
        table = active.table if active and active.generation == batch.id else None
        return {
            key: json.loads(item["prediction"])
            for (generation, key), item in self.items(table).items()
            if generation == batch.id
        }

    def rejected(self, batch: BatchRecord) -> list[dict[str, Any]]:
        """The rejected rows of all chunks, in their order."""
        folder = f"{self.worker.files(batch.id).root}/rejected"
        lines = b"".join(self.worker.objects.read(found) for found in self.worker.objects.below(folder))
        return [json.loads(line) for line in lines.splitlines()]
