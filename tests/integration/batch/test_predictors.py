"""Batches and jobs of plain predictors, against the emulator: each row is a payload, a job keeps its media types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelet.batch.table import CONTROL, new_id
from modelet.edges import queue
from modelet.edges.base import Call
from modelet.jobs.record import JobRecord
from modelet.jobs.records import Jobs
from support.batches import Stage, csv_text
from support.predictors import make, opened
from support.tables import create_table

CODE = """
from modelet import RequestError, Response


class Predictor:
    def predict(self, payload):
        if isinstance(payload, bytes):
            return Response(payload[::-1], headers={"content-type": "image/png"})
        if payload["x"] == 13:
            raise KeyError("secret")
        if payload["x"] == 14:
            raise RequestError("fourteen is refused")
        if payload["x"] == 15:
            return Response({"a": 1}, 404)
        return payload
"""
TOGETHER = (
    CODE
    + """
    def predict_batch(self, payloads):
        return [{"together": len(payloads), "x": payload["x"]} for payload in payloads]
"""
)
ROWS = [{"id": f"k{number}", "x": number, "town": None if number % 2 else "Ulm"} for number in range(10, 20)]
LINES = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)


def parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return bytes(sink.getvalue())


@pytest.mark.parametrize(("name", "data"), [("a.jsonl", LINES), ("a.parquet", parquet(ROWS))])
def test_each_row_is_a_payload_and_bad_ones_have_their_reasons(
    place: str, tmp_path: Path, name: str, data: bytes
) -> None:
    with opened(make(tmp_path, CODE)) as handler:
        stage = Stage.create(handler.service, place)
        batch = stage.create_batch(stage.put(name, data), chunk_rows=4, tolerated=0.5)
        record = stage.run(batch)

    assert (record.state, record.rows_done, record.rows_failed) == ("DONE", 7, 3)
    expected = {row["id"]: {"x": row["x"], "town": row["town"]} for row in ROWS if row["x"] not in {13, 14, 15}}
    assert stage.predictions(batch) == expected
    assert {line["row"]: line["reason"] for line in stage.rejected(batch)} == {
        3: "The model failed on this row; the worker's log has the cause",
        4: "fourteen is refused",
        5: "The predictor answered with the status 404",
    }


def test_cells_of_a_csv_file_are_texts(place: str, tmp_path: Path) -> None:
    with opened(make(tmp_path, CODE)) as handler:
        stage = Stage.create(handler.service, place)
        batch = stage.create_batch(stage.put("a.csv", csv_text(ROWS[:2])))
        stage.run(batch)

    assert stage.predictions(batch) == {"k10": {"x": "10", "town": "Ulm"}, "k11": {"x": "11", "town": None}}


def test_a_predictor_with_predict_batch_gets_many_rows_at_once(place: str, tmp_path: Path) -> None:
    with opened(make(tmp_path, TOGETHER)) as handler:
        stage = Stage.create(handler.service, place)
        batch = stage.create_batch(stage.put("a.jsonl", LINES), chunk_rows=5)
        stage.run(batch)

    found = stage.predictions(batch)
    assert {answer["x"] for answer in found.values()} == {row["x"] for row in ROWS}
    assert {answer["together"] for answer in found.values()} == {5}


def test_a_job_keeps_the_media_types_of_its_body_and_of_its_result(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = f"jobs-{place.rpartition('/')[2]}"
    create_table(boto3.client("dynamodb"), table, CONTROL)
    for name, value in (("CONTROL_TABLE", table), ("BATCHES", place), ("JOB_ATTEMPTS", "3")):
        monkeypatch.setenv(f"MODELET_{name}", value)
    jobs = Jobs(boto3.client("dynamodb"), table)
    bodies = [
        (b"\x00\xff", "application/octet-stream"),
        (b'{"x": 1}', "application/json"),
        (b'{"x": 14}', "application/json"),
    ]
    with opened(make(tmp_path, CODE)) as handler:
        created = [jobs.create("tool", new_id(), version="1", body=body, media_type=kind) for body, kind in bodies]
        records = [_message(job, number) for number, job in enumerate(created)]
        queue.answer({"Records": records}, handler.service, Call("request", 60))

    image, number, refused = [jobs.get("tool", job.id) for job in created]
    assert (image.state, image.status, image.result_type, image.result) == ("done", 200, "image/png", b"\xff\x00")
    assert (number.result_type, json.loads(number.result or b"")) == ("application/json", {"x": 1})
    assert (refused.state, refused.problem and refused.problem["detail"]) == ("failed", "fourteen is refused")


def _message(job: JobRecord, place: int) -> dict[str, Any]:
    body = json.dumps({"model": job.model, "id": job.id})
    attributes = {"ApproximateReceiveCount": "1"}
    return {"messageId": f"m{place}", "eventSource": "aws:sqs", "body": body, "attributes": attributes}
