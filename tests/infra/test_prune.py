"""`make prune` deletes the versions of workers that nothing needs, and no other."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest

from infra.prune import RESUMABLE_S, needed, prune, unused
from infra.stage import Stage as InfraStage
from modelet.batch.lifetimes import DAY_S, RESUMABLE_DAYS
from modelet.batch.record import BatchRecord
from modelet.batch.records import Batches
from modelet.batch.request import BatchRequest
from modelet.batch.table import CONTROL
from support.tables import create_table

STAGE = InfraStage(name="dev")
TRUST = {
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]
}
NOW = 1_800_000_000.0


@pytest.fixture
def clients(s3_server: str, s3_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Clients of an emulator, which runs no function."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    from urllib.request import Request, urlopen

    with urlopen(Request(f"{s3_server}/moto-api/config", data=b'{"lambda": {"use_docker": false}}', method="POST")):
        pass
    return {name: boto3.client(name, region_name="us-east-1") for name in ("lambda", "iam", "ssm", "dynamodb")}


def make_function(clients: dict[str, Any], name: str, versions: int) -> list[str]:
    """Make a function with some versions, the last of which is live; returns their ARNs."""
    import io
    import zipfile

    def code(number: int) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("app.py", f"# {name} {number}")
        return file.getvalue()

    role = f"role-{name}"
    arn = clients["iam"].create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    made = clients["lambda"]
    made.create_function(
        FunctionName=name, Runtime="python3.11", Role=arn, Handler="app.handler", Code={"ZipFile": code(0)}
    )
    arns = []
    for number in range(versions):
        made.update_function_code(FunctionName=name, ZipFile=code(number + 1))
        arns.append(made.publish_version(FunctionName=name)["FunctionArn"])
    made.create_alias(FunctionName=name, Name="live", FunctionVersion=str(versions))
    return arns


def numbers(clients: dict[str, Any], name: str) -> list[str]:
    return [each["Version"] for each in clients["lambda"].list_versions_by_function(FunctionName=name)["Versions"]]


def done(batches: Batches, record: BatchRecord) -> None:
    """Let a batch without chunks end."""
    batches.plan_done(record, 1, 0, 0, "write")
    assert batches.set_state(record, ("RUNNING",), "DONE") is not None


def test_a_version_that_may_be_resumed_in_its_last_second_is_kept() -> None:
    assert RESUMABLE_S > RESUMABLE_DAYS * DAY_S


def test_versions_that_are_live_or_named_by_a_batch_stay(clients: dict[str, Any]) -> None:
    mark = str(time.monotonic_ns())
    worker, online, other = (f"modelet-dev-{mark}-worker", f"modelet-dev-{mark}", f"modelet-prod-{mark}-worker")
    arns = make_function(clients, worker, 8)
    make_function(clients, online, 2)
    make_function(clients, other, 2)
    table = f"control-{mark}"
    create_table(boto3.client("dynamodb", region_name="us-east-1"), table, CONTROL)
    clients["ssm"].put_parameter(
        Name=STAGE.parameter("batch", "control-table"), Value=table, Type="String", Overwrite=True
    )
    now = [NOW]
    batches = Batches(clients["dynamodb"], table, clock=lambda: now[0])

    def batch(name: str, arn: str) -> Any:
        request = BatchRequest(("s3://lake/a.csv",), "id")
        return batches.create("m", name, version="1", function=arn, request=request, tolerated=0, load="write")

    batch("running", arns[0])
    now[0] = NOW - RESUMABLE_DAYS * DAY_S
    batches.set_state(batch("failed", arns[1]), ("PLANNING",), "FAILED")
    now[0] = NOW - RESUMABLE_S - 60
    batches.set_state(batch("failed-long-ago", arns[2]), ("PLANNING",), "CANCELLED")
    now[0] = NOW - 3600
    done(batches, batch("done", arns[3]))
    now[0] = NOW - 2 * DAY_S
    done(batches, batch("done-two-days-ago", arns[4]))
    kept = needed(STAGE, clients["ssm"], clients["dynamodb"], NOW)
    assert kept == {arns[0], arns[1], arns[3]}
    found = unused(STAGE, clients["lambda"])
    deleted = prune(clients["lambda"], [each for each in found if mark in each.arn and each.arn not in kept])
    assert deleted == [arns[2], *arns[4:7]]
    assert numbers(clients, worker) == ["$LATEST", "1", "2", "4", "8"]
    assert numbers(clients, online) == numbers(clients, other) == ["$LATEST", "1", "2"]


def test_a_stage_without_batches_needs_no_version(clients: dict[str, Any]) -> None:
    assert needed(InfraStage(name="empty"), clients["ssm"], clients["dynamodb"], NOW) == set()
