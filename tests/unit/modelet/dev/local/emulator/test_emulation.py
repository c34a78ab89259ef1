"""The emulator of a laptop: a workflow and a queue reach the worker, and what it keeps outlives it."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from modelet.dev.local.emulator.emulation import Emulation
from modelet.dev.local.emulator.emulator import Emulator
from modelet.dev.local.emulator.names import (
    BATCHES,
    CONTROL_TABLE,
    STATE_MACHINE,
    function_name,
    prediction_table,
    queue_name,
    worker_name,
)
from modelet.errors import CommandError

from .conftest import Laptop

pytestmark = pytest.mark.slow


def connect(emulator: Emulator, service: str, **replaced: str) -> Any:
    variables = {**emulator.variables, **replaced}
    return boto3.client(
        service,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        config=Config(signature_version="s3v4") if service == "s3" else None,
    )


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def put_chunks(emulator: Emulator, numbers: list[int]) -> str:
    lines = "".join(json.dumps({"number": number}) + "\n" for number in numbers)
    connect(emulator, "s3").put_object(Bucket=BATCHES, Key="tiny/1/chunks.jsonl", Body=lines.encode())
    given = {"bucket": BATCHES, "chunks": "tiny/1/chunks.jsonl", "worker": worker_name("tiny")}
    started = connect(emulator, "stepfunctions").start_execution(
        stateMachineArn=STATE_MACHINE, name="tiny-1", input=json.dumps(given)
    )
    return str(started["executionArn"])


def status(emulator: Emulator, execution: str) -> str:
    return str(connect(emulator, "stepfunctions").describe_execution(executionArn=execution)["status"])


def test_a_workflow_invokes_the_worker_once_for_each_chunk_and_errors_keep_their_type(laptop: Laptop) -> None:
    def work(_: Emulation, emulator: Emulator) -> None:
        execution = put_chunks(emulator, [0, 1, 2, 3, 4])
        wait_until(lambda: status(emulator, execution) != "RUNNING")
        assert status(emulator, execution) == "SUCCEEDED"

    laptop.run(work)
    assert sorted(event["chunk"]["number"] for event in laptop.events()) == [0, 1, 2, 3, 4]


def test_a_message_of_the_queue_reaches_the_worker(laptop: Laptop) -> None:
    def work(_: Emulation, emulator: Emulator) -> None:
        url = connect(emulator, "sqs").get_queue_url(QueueName=queue_name("tiny"))["QueueUrl"]
        connect(emulator, "sqs").send_message(QueueUrl=url, MessageBody='{"model": "tiny", "id": "1"}')
        wait_until(lambda: len(laptop.events()) == 1)

    laptop.run(work)
    (record,) = laptop.events()[0]["Records"]
    assert (record["eventSource"], record["body"]) == ("aws:sqs", '{"model": "tiny", "id": "1"}')


def test_a_model_s_own_function_can_be_invoked_too(laptop: Laptop) -> None:
    def work(_: Emulation, emulator: Emulator) -> None:
        client = connect(emulator, "lambda")
        assert client.get_function_configuration(FunctionName=worker_name("tiny"))["FunctionArn"].endswith(
            "tiny-worker"
        )
        answer = client.invoke(FunctionName=function_name("tiny"), Payload=b'{"instances": [1.5]}')
        assert json.load(answer["Payload"]) == {"predictions": [1.5]}
        failed = client.invoke(FunctionName=worker_name("tiny"), Payload=b'{"chunk": {"number": 3}}')
        assert (failed["FunctionError"], json.load(failed["Payload"])["errorType"]) == ("Unhandled", "RefusedError")

    laptop.run(work)


def test_tables_and_files_outlive_the_emulator_and_a_running_batch_ends(laptop: Laptop) -> None:
    executions = []

    def first(_: Emulation, emulator: Emulator) -> None:
        tables = connect(emulator, "dynamodb")
        tables.put_item(TableName=CONTROL_TABLE, Item={"pk": {"S": "model#tiny"}, "sk": {"S": "active"}})
        tables.put_item(
            TableName=prediction_table("tiny"), Item={"id": {"S": "a"}, "generation": {"S": "1"}, "n": {"N": "0.1"}}
        )
        executions.append(put_chunks(emulator, [99]))
        wait_until(lambda: len(laptop.events()) == 1)

    def again(_: Emulation, emulator: Emulator) -> None:
        tables = connect(emulator, "dynamodb")
        assert tables.scan(TableName=CONTROL_TABLE)["Count"] == 1
        key = {"id": {"S": "a"}, "generation": {"S": "1"}}
        assert tables.get_item(TableName=prediction_table("tiny"), Key=key)["Item"]["n"] == {"N": "0.1"}
        assert connect(emulator, "s3").list_objects_v2(Bucket=BATCHES)["KeyCount"] == 1
        assert status(emulator, executions[0]) == "FAILED"
        url = connect(emulator, "sqs").get_queue_url(QueueName=queue_name("tiny"))["QueueUrl"]
        connect(emulator, "sqs").send_message(QueueUrl=url, MessageBody="{}")
        wait_until(lambda: len(laptop.events()) == 2)

    began = time.monotonic()
    laptop.run(first)
    assert time.monotonic() - began < 30
    laptop.run(again)
    assert any("must be resumed" in line for line in laptop.log.lines)


def test_only_requests_with_its_keys_from_this_machine_are_answered(laptop: Laptop) -> None:
    def answered(method: str, url: str, body: bytes | None = None, **headers: str) -> int:
        return httpx.request(method, url, content=body, headers=headers, trust_env=False).status_code

    def work(_: Emulation, emulator: Emulator) -> None:
        for replaced in (
            {"AWS_SECRET_ACCESS_KEY": "test"},
            {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "t"},
        ):
            with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidSignature"):
                connect(emulator, "s3", **replaced).list_objects_v2(Bucket=BATCHES)
            with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidSignature"):
                connect(emulator, "dynamodb", **replaced).list_tables()
        asked = {"Bucket": BATCHES, "Key": "upload.csv", "ContentType": "text/csv"}
        signed = connect(emulator, "s3").generate_presigned_url("put_object", Params=asked, ExpiresIn=60)
        assert answered("PUT", signed, b"a,b\n", **{"Content-Type": "text/html"}) == 403
        assert answered("PUT", signed, b"a,b\n", **{"Content-Type": "text/csv"}) == 200
        assert answered("GET", f"{emulator.endpoint}/{BATCHES}/upload.csv") == 403
        assert answered("POST", f"{emulator.endpoint}/_ministack/reset") == 403
        assert answered("GET", f"{emulator.endpoint}/_ministack/health", Host="rebound.example") == 403

    laptop.run(work)


def test_a_project_has_one_emulator_at_a_time_and_it_starts_again_after_its_end(laptop: Laptop) -> None:
    def work(emulation: Emulation, emulator: Emulator) -> None:
        other = Emulator(laptop.root)
        with pytest.raises(CommandError, match="another modelet up of this project runs its AWS emulator"):
            asyncio.run(other.start("http://127.0.0.1:1", print))
        asyncio.run(other.stop())
        process = emulator._process
        assert process is not None
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not emulator.running
        asyncio.run_coroutine_threadsafe(emulation.ready(), laptop.loop).result(60)
        assert connect(emulator, "dynamodb").list_tables()["TableNames"] == [CONTROL_TABLE, prediction_table("tiny")]

    laptop.run(work)
