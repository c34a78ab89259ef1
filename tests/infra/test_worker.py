"""The worker of a model with batches or jobs: its function, rights, queue and schedule."""

from __future__ import annotations

import dataclasses
import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from fastapi import FastAPI, Request
from mangum import Mangum

from infra.checks.nag import flat
from infra.constructs.storage.batch_storage import BATCH_ID
from infra.constructs.worker.job_queue import JobQueue
from infra.constructs.worker.worker_role import listed_prefix
from infra.discovery import discover
from infra.stage import STAGES
from modelet.batch.schedule import schedule_event
from modelet.batch.table import leading_keys, new_id
from modelet.dev.project.worker_sections import Jobs
from modelet.store.store import Store
from support.repository import ROOT

from .conftest import Copy, Synthesized, rebundle, synthesize

WORKER = "sentiment-worker"
TABLE_PREFIX = "table/modelet-full-sentiment-"


@pytest.fixture
def rights(full: Synthesized) -> dict[str, list[tuple[tuple[str, ...], str]]]:
    """The worker's rights: for each action the resources and the conditions."""
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for each in full.statements():
        if each.path.startswith(f"{WORKER}/Rights") and each.effect == "Allow":
            for action in each.actions:
                found.setdefault(action, []).append((each.resources, each.conditions))
    return found


def resources(rights: dict[str, list[tuple[tuple[str, ...], str]]], action: str) -> list[str]:
    return [resource for found, _ in rights[action] for resource in found]


def test_only_a_model_with_batches_or_jobs_has_a_worker(plain: Synthesized, full: Synthesized) -> None:
    for found, workers in ((plain, []), (full, [f"modelet-full-{WORKER}"])):
        names = [each["Properties"].get("FunctionName", "") for each in found.resources("AWS::Lambda::Function")]
        assert [name for name in names if str(name).endswith("-worker")] == workers


def test_the_worker_has_its_own_numbers_and_is_never_provisioned(full: Synthesized) -> None:
    function = full.only("AWS::Lambda::Function", f"{WORKER}/")
    assert (function["MemorySize"], function["Timeout"], function["ReservedConcurrentExecutions"]) == (3538, 600, 20)
    assert function["EphemeralStorage"] == {"Size": 1024}
    assert function["Architectures"] == ["arm64"]
    assert "VpcConfig" in function
    alias = full.only("AWS::Lambda::Alias", f"{WORKER}/")
    assert alias["Name"] == "live"
    assert "ProvisionedConcurrencyConfig" not in alias


def test_its_image_is_the_target_with_boto3(full: Synthesized) -> None:
    targets = sorted(image["dockerBuildTarget"] for image in full.images())
    assert targets == ["online"] * len(full.models) + ["worker"]


def test_sam_which_ignores_the_target_learns_it_from_an_argument(full: Synthesized) -> None:
    given = {each["dockerBuildTarget"]: each["dockerBuildArgs"].get("SAM_TARGET") for each in full.images()}
    assert given == {"online": None, "worker": "worker"}
    stages = (ROOT / "functions" / "Dockerfile").read_text()
    assert "ARG SAM_TARGET=online" in stages
    assert stages.rpartition("\nFROM ")[2].startswith("${SAM_TARGET} AS sam\n")


def test_its_versions_are_kept_because_running_batches_use_them(full: Synthesized) -> None:
    [version] = full.resources("AWS::Lambda::Version", f"{WORKER}/")
    assert version["DeletionPolicy"] == version["UpdateReplacePolicy"] == "Retain"


def test_new_work_waits_for_the_check_of_the_version_that_requests_use(full: Synthesized) -> None:
    [alias] = full.resources("AWS::Lambda::Alias", f"{WORKER}/")
    [online] = [
        name
        for name, each in full.models["sentiment"]["Resources"].items()
        if each["Type"] == "AWS::Lambda::Alias" and name.startswith("sentimentRelease")
    ]
    assert online in alias["DependsOn"]


def test_its_variables_name_what_is_stored(full: Synthesized) -> None:
    variables = full.only("AWS::Lambda::Function", f"{WORKER}/")["Environment"]["Variables"]
    parameters = full.models["sentiment"]["Parameters"]

    def parameter(value: dict[str, str]) -> str:
        return str(parameters[value["Ref"]]["Default"])

    assert parameter(variables["MODELET_CONTROL_TABLE"]) == "/modelet/full/batch/control-table"
    assert parameter(variables["MODELET_PREDICTION_TABLE"]) == "/modelet/full/predictions/sentiment"
    start, bucket = variables["MODELET_BATCHES"]["Fn::Join"][1]
    assert (start, parameter(bucket)) == ("s3://", "/modelet/full/batch/bucket")
    assert variables["MODELET_IMPORT_PREFIX"] == "modelet-full-sentiment-"
    assert variables["MODELET_DUPLICATES"] == "last"
    assert ":modelet-full-batches" in json.dumps(variables["MODELET_TOPIC"])
    assert variables["MODELET_JOB_ATTEMPTS"] == "5"
    queue = full.models["sentiment"]["Resources"][
        variables["MODELET_JOB_QUEUE"]["Ref"]
    ]  # the Ref of a queue is its URL
    assert queue["Properties"]["QueueName"] == "modelet-full-sentiment-jobs"
    assert variables["GREETING"] == "hello"
    online = full.only("AWS::Lambda::Function", "sentiment/Function")["Environment"]["Variables"]
    assert {name for name in variables if name not in online} == {
        "MODELET_BATCHES",
        "MODELET_CONTROL_TABLE",
        "MODELET_DUPLICATES",
        "MODELET_IMPORT_PREFIX",
        "MODELET_JOB_ATTEMPTS",
        "MODELET_JOB_QUEUE",
        "MODELET_PREDICTION_TABLE",
        "MODELET_TOPIC",
    }


def test_it_uses_only_items_of_its_own_model(rights: dict[str, list[tuple[tuple[str, ...], str]]]) -> None:
    keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": leading_keys("sentiment")}}
    assert "dynamodb:DeleteItem" not in rights
    assert "dynamodb:ConditionCheckItem" not in rights
    for action in ("BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"):
        [(found, conditions)] = rights[f"dynamodb:{action}"]
        assert ["batchcontroltable" in resource for resource in found] == [True]
        assert json.loads(conditions) == keys
    writes = resources(rights, "dynamodb:BatchWriteItem")
    assert ["predictionssentiment" in each or TABLE_PREFIX in each for each in writes] == [True, True]
    [scanned] = resources(rights, "dynamodb:Scan")
    assert "predictionssentiment" in scanned


def test_it_reads_and_writes_files_of_its_own_model_and_what_model_yaml_names(
    rights: dict[str, list[tuple[tuple[str, ...], str]]],
) -> None:
    own = [each for each in resources(rights, "s3:PutObject") if "batchbucket" in each]
    assert [each.rpartition(">")[2] for each in own] == ["/sentiment/*"]
    reads = [each.rpartition(":::")[2] for each in resources(rights, "s3:GetObject") if ":::" in each]
    assert {each for each in reads if each.startswith("warehouse")} == {"warehouse/reviews/*.csv", "warehouse/more/*"}
    assert any(each.endswith("/models/sentiment/*") for each in resources(rights, "s3:GetObject"))
    writes = [each.rpartition(":::")[2] for each in resources(rights, "s3:PutObject")]
    assert [each for each in writes if each.startswith("reports")] == ["reports/scores/*"]
    lists = {found[0].rpartition(":::")[2]: json.loads(conditions) for found, conditions in rights["s3:ListBucket"]}
    assert lists["warehouse"] == {"StringLike": {"s3:prefix": ["reviews/*", "more/*"]}}
    assert all("s3:prefix" in json.dumps(conditions) for conditions in lists.values())
    assert "s3:DeleteObject" not in rights


def test_encrypted_objects_that_model_yaml_names_are_read_and_written_through_s3_only(
    rights: dict[str, list[tuple[tuple[str, ...], str]]],
) -> None:
    named = {
        "kms:Decrypt": ["warehouse/reviews/*.csv", "warehouse/more/*", "warehouse"],
        "kms:GenerateDataKey": ["reports/scores/*", "reports"],
    }
    assert {action for action in rights if action.startswith("kms:")} == set(named)
    for action, places in named.items():
        [(found, text)] = rights[action]
        assert [each.rpartition(":kms:")[2] for each in found] == ["*:*:key/*"]
        conditions = json.loads(text)["StringLike"]
        assert conditions["kms:ViaService"] == "s3.*.amazonaws.com*"
        used = conditions["kms:EncryptionContext:aws:s3:arn"]
        assert [flat(each).rpartition(":::")[2] for each in used] == places


@pytest.mark.parametrize(
    ("key", "listed", "not_listed"),
    [
        ("reviews/*.csv", ["reviews/", "reviews/2026/"], ["", "other/", "reviews"]),
        ("reviews/new-*.csv", ["reviews/", "reviews/new-1/"], ["", "reports/"]),
        ("reviews/day=?/part-*", ["reviews/", "reviews/day=1/"], [""]),
        ("reviews/a.csv", ["reviews/"], [""]),
        ("*.csv", ["", "any/"], []),
    ],
)
def test_the_folders_that_a_wildcard_is_looked_for_in_may_be_listed(
    key: str, listed: list[str], not_listed: list[str]
) -> None:
    """As Objects.find asks: for what is in a folder, and then in those of its folders that match."""
    for prefix in listed:
        assert fnmatchcase(prefix, listed_prefix(key))
    for prefix in not_listed:
        assert not fnmatchcase(prefix, listed_prefix(key))


def test_it_imports_only_into_tables_of_its_own_model(rights: dict[str, list[tuple[tuple[str, ...], str]]]) -> None:
    own = f"modelet-full-sentiment-{BATCH_ID}"
    for action in ("ImportTable", "DeleteTable", "UpdateTimeToLive"):
        [table] = resources(rights, f"dynamodb:{action}")
        assert table.partition(":table/")[2] == own
    [described] = resources(rights, "dynamodb:DescribeImport")
    assert described.partition(":table/")[2] == f"{own}/import/*"
    for action in ("CreateTable", "DescribeTable", "TagResource", "ListTables"):
        assert f"dynamodb:{action}" not in rights
    assert all("log-group:/aws-dynamodb/" in each for each in resources(rights, "logs:CreateLogGroup"))


def test_the_form_of_a_batch_s_id_matches_each_id_and_no_table_of_another_model() -> None:
    table = f"modelet-dev-a-{BATCH_ID}"
    assert fnmatchcase(f"modelet-dev-a-{new_id()}-1", table)
    for other in ("a-b", "a-20261129", "ab", "a-20261129t051200z-12345678"):
        assert not fnmatchcase(f"modelet-dev-{other}-{new_id()}-1", table)


def test_it_publishes_to_the_topic_of_batches_only(rights: dict[str, list[tuple[tuple[str, ...], str]]]) -> None:
    [topic] = resources(rights, "sns:Publish")
    assert topic.endswith(":modelet-full-batches")


def test_jobs_have_a_queue_from_which_failed_ones_go_to_another(full: Synthesized) -> None:
    queues = {each["Properties"]["QueueName"]: each["Properties"] for each in full.resources("AWS::SQS::Queue")}
    assert set(queues) == {"modelet-full-sentiment-jobs", "modelet-full-sentiment-jobs-failed"}
    queue = queues["modelet-full-sentiment-jobs"]
    assert queue["VisibilityTimeout"] == 6 * 600
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    assert queue["MessageRetentionPeriod"] == 7 * 86_400
    assert queues["modelet-full-sentiment-jobs-failed"]["MessageRetentionPeriod"] == 14 * 86_400
    assert len(full.resources("AWS::SQS::QueuePolicy")) == 2
    source = full.only("AWS::Lambda::EventSourceMapping")
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": 4}
    assert source["BatchSize"] == 1
    assert "workerLive" in json.dumps(source["FunctionName"])


def test_a_failed_job_raises_an_alarm(full: Synthesized) -> None:
    [alarm] = [
        each["Properties"]
        for each in full.resources("AWS::CloudWatch::Alarm")
        if each["Properties"].get("AlarmName") == "modelet-full-sentiment-jobs-failed"
    ]
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert ":modelet-full-alarms" in json.dumps(alarm["AlarmActions"])


def test_a_job_is_invisible_at_most_as_long_as_sqs_allows(project: Path) -> None:
    [model] = [each for each in discover(project, STAGES["dev"]) if each.name == "sentiment"]
    jobs = Jobs()
    longest = dataclasses.replace(model, spec=model.spec.model_copy(update={"jobs": jobs}))
    stack = Stack(App(), "stack")
    queue = JobQueue(stack, "Jobs", stage=STAGES["dev"], model=longest, jobs=jobs).queue
    found = stack.resolve(queue.node.default_child.visibility_timeout)  # type: ignore[union-attr]
    assert found == 6 * 900 < 12 * 3600


def test_a_schedule_sends_the_request_that_a_caller_would_send(full: Synthesized) -> None:
    schedule = full.only("AWS::Scheduler::Schedule")
    assert schedule["Name"] == "modelet-full-sentiment-batch"
    assert schedule["ScheduleExpression"] == "cron(0 3 * * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "Asia/Seoul"
    event = json.loads(schedule["Target"]["Input"])
    assert event == schedule_event("sentiment", {"inputs": ["s3://warehouse/reviews/new-*.csv"], "key": "id"})
    assert event["headers"]["idempotency-key"] == "<aws.scheduler.scheduled-time>"
    assert schedule["Target"]["Arn"].endswith(":function:modelet-full-batches")
    [right] = [each for each in full.statements() if each.path.startswith(f"{WORKER}/Schedule")]
    assert right.actions == ("lambda:InvokeFunction",)
    assert [each.rpartition(":")[2] for each in right.resources] == ["modelet-full-batches"]


def test_mangum_takes_the_event_of_a_schedule() -> None:
    app = FastAPI()

    @app.post("/models/{name}/batches")
    async def start(name: str, request: Request) -> dict[str, Any]:
        return {"name": name, "body": await request.json(), "key": request.headers["idempotency-key"]}

    answer = Mangum(app, lifespan="off")(schedule_event("sentiment", {"key": "id"}), None)  # type: ignore[arg-type]
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {
        "name": "sentiment",
        "body": {"key": "id"},
        "key": "<aws.scheduler.scheduled-time>",
    }


def test_the_platform_function_is_told_what_batches_and_jobs_take_after_the_alias_has_moved(
    full: Synthesized, project: Path
) -> None:
    [parameter] = [
        each
        for each in full.resources("AWS::SSM::Parameter")
        if each["Properties"]["Name"] == "/modelet/full/workers/sentiment"
    ]
    texts = parameter["Properties"]["Value"]["Fn::Join"][1]
    [version] = [each["Fn::GetAtt"] for each in texts if isinstance(each, dict)]
    told = json.loads("".join("17" if isinstance(each, dict) else each for each in texts))
    lock = json.loads((project / "functions" / "sentiment" / "model.lock").read_text())
    assert told == {
        "batch": {"load": "auto", "duplicates": "last", "tolerated": 0.1, "expires_days": 30},
        "jobs": {"max_concurrency": 4, "attempts": 5, "expires_days": 7},
        "worker": {"max_concurrency": 20, "function_version": "17", "model_version": lock["version"]},
    }
    [alias] = full.resources("AWS::Lambda::Alias", f"{WORKER}/")
    assert any(name.startswith("sentimentworkerLive") for name in parameter["DependsOn"])
    assert alias["Properties"]["Name"] == "live"
    assert alias["Properties"]["FunctionVersion"] == {"Fn::GetAtt": version}


def test_a_model_with_jobs_only_has_no_rights_of_batches(copy_project: Copy, store: Store) -> None:
    root = copy_project()
    (root / "functions" / "diabetes" / "model.yaml").write_text("backend: sklearn\njobs: {}\n")
    rebundle(root, store, "dev")
    found = synthesize(root, STAGES["dev"])
    own = [each for each in found.statements() if each.path.startswith("diabetes-worker/Rights")]
    actions = {action for each in own for action in each.actions}
    assert "dynamodb:UpdateItem" in actions
    assert "sqs:ReceiveMessage" in actions
    assert not [action for action in actions if "Import" in action or action.startswith(("sns:", "kms:"))]
    assert "s3:ListBucket" not in actions
    assert "dynamodb:BatchWriteItem" not in actions
    variables = found.only("AWS::Lambda::Function", "diabetes-worker/")["Environment"]["Variables"]
    assert "MODELET_PREDICTION_TABLE" not in variables
    assert not [each for each in found.storage["Resources"] if each.startswith("Predictions")]
    assert found.findings() == []
