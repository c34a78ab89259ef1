"""What the batches and jobs of all models share: the function, the state machine, the topic, the routes."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.checks import routes
from infra.constructs.batches.machine import DEFINITION
from infra.constructs.gateway.routes import rest_batch_paths
from infra.errors import SynthError
from infra.stage import STAGES, Stage
from modelet.batch.plan import MOST_CHUNKS
from modelet.dev.project.routes import BATCH_ROUTES
from modelet.store.store import Store

from .conftest import Copy, Synthesized, rebundle, synthesize
from .test_app import run
from .test_stacks import named

MACHINE: dict[str, Any] = json.loads(DEFINITION.read_text())
REST = Stage(name="dev", api="rest")
CORS = Stage(
    name="dev",
    auth="jwt",
    jwt_issuer="https://issuer.example.com",
    jwt_audience=("models",),
    cors_origins=("https://page.example.com",),
)


@pytest.fixture(scope="module")
def with_jobs(copy_project: Copy, store: Store) -> Path:
    """A project in which one model takes jobs."""
    root = copy_project()
    (root / "functions" / "diabetes" / "model.yaml").write_text("backend: sklearn\njobs: {}\n")
    rebundle(root, store, "dev")
    return root


def keys(found: Synthesized) -> set[str]:
    return {each["Properties"]["RouteKey"] for each in found.resources("AWS::ApiGatewayV2::Route")}


def every_state(states: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The states of a machine with those inside its maps."""
    inner = [each["ItemProcessor"]["States"] for each in states.values() if "ItemProcessor" in each]
    return [*states.items(), *(pair for each in inner for pair in every_state(each))]


def test_a_project_without_batches_and_jobs_has_none_of_it(plain: Synthesized) -> None:
    kinds = {each["Type"] for template in plain.serving for each in template["Resources"].values()}
    assert not kinds & {"AWS::StepFunctions::StateMachine", "AWS::SQS::Queue", "AWS::Scheduler::Schedule"}
    assert len(plain.resources("AWS::SNS::Topic")) == 1
    assert not [key for key in keys(plain) if "batches" in key or "jobs" in key]
    assert "batches" not in json.dumps(plain.api)


def test_two_projects_in_one_account_share_no_name_of_batches_and_jobs(with_jobs: Path) -> None:
    ours = named(synthesize(with_jobs, STAGES["dev"]))
    theirs = named(synthesize(with_jobs, dataclasses.replace(STAGES["dev"], project="fraud")))
    assert {'"modelet-dev-batches"', '"modelet-dev-diabetes-worker"', '"modelet-dev-diabetes-jobs"'} <= ours
    assert theirs.isdisjoint(ours)
    assert {text.replace("fraud", "modelet") for text in theirs} == ours


def test_the_deployed_machine_is_the_file_that_the_laptop_runs(full: Synthesized) -> None:
    machine = full.only("AWS::StepFunctions::StateMachine")
    assert machine["StateMachineName"] == "modelet-full-batches"
    parts = machine["DefinitionString"]["Fn::Join"][1]
    text = "".join("aws" if part == {"Ref": "AWS::Partition"} else part for part in parts)
    assert json.loads(text) == MACHINE


def test_the_machine_uses_json_path_and_nothing_that_the_emulator_ignores_but_the_number_of_children() -> None:
    text = json.dumps(MACHINE)
    for absent in ("Comment", "QueryLanguage", "{%", "ItemBatcher", "ResultWriter"):
        assert absent not in text
    assert "ToleratedFailurePercentagePath" not in text
    assert '"ResultSelector": {}' not in text
    chunks = MACHINE["States"]["Chunks"]
    assert (chunks["ToleratedFailurePercentage"], chunks["ResultPath"]) == (100, None)
    assert (chunks["MaxConcurrencyPath"], "MaxConcurrency" in chunks) == ("$.concurrency", False)
    assert chunks["ItemReader"] == {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSONL"},
        "Parameters": {"Bucket.$": "$.plan.bucket", "Key.$": "$.plan.key"},
    }
    assert chunks["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


def test_each_step_names_itself_and_its_batch() -> None:
    steps = {name: each["Parameters"] for name, each in every_state(MACHINE["States"]) if each["Type"] == "Task"}
    assert {name: each["Payload"]["modelet"] for name, each in steps.items()} == {
        "Plan": "plan",
        "Work": "chunk",
        "Missed": "missed",
        "Finish": "finish",
        "Abandon": "finish",
    }
    for each in steps.values():
        assert each["FunctionName.$"] == "$.function"
        assert each["Payload"]["batch.$"] == "$.batch"
    assert steps["Work"]["Payload"]["chunk.$"] == steps["Missed"]["Payload"]["chunk.$"] == "$.chunk"
    assert steps["Missed"]["Payload"]["cause.$"] == steps["Abandon"]["Payload"]["cause.$"] == "$.failure"


def test_each_step_is_tried_again_after_errors_that_may_pass_with_full_jitter() -> None:
    for name, each in every_state(MACHINE["States"]):
        if each["Type"] != "Task":
            continue
        errors = {error for retrier in each["Retry"] for error in retrier["ErrorEquals"]}
        assert errors >= {
            "StoreError",
            "ThrottledError",
            "DeadlineError",
            "Lambda.TooManyRequestsException",
            "Lambda.CodeArtifactUserPendingException",
            "Lambda.ResourceNotReadyException",
            "Lambda.ServiceException",
            "Lambda.Unknown",
        }, name
        assert not errors & {"States.ALL", "States.TaskFailed"}
        assert {retrier["JitterStrategy"] for retrier in each["Retry"]} == {"FULL"}


def test_whatever_fails_ends_in_the_record_of_the_batch() -> None:
    states = MACHINE["States"]
    for name in ("Plan", "Chunks", "Finish"):
        assert states[name]["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Abandon"}]
    work = states["Chunks"]["ItemProcessor"]["States"]
    assert work["Work"]["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Missed"}]
    assert work["Missed"]["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "Lost"}]
    choices = {each["StringEquals"]: each["Next"] for each in states["Finished"]["Choices"]}
    assert choices == {"LOADING": "Load", "FAILED": "Failed"}
    assert states["Load"] == {"Type": "Wait", "Seconds": 15, "Next": "Finish"}


def test_the_outputs_of_as_many_chunks_as_are_allowed_fit_into_the_output_of_the_map() -> None:
    """A worker returns {}; the state machine itself ends a chunk that nobody could record."""
    lost = MACHINE["States"]["Chunks"]["ItemProcessor"]["States"]["Lost"]
    assert lost == {"Type": "Pass", "Result": 0, "End": True}, "an empty object is ignored by the emulator"
    outputs: list[Any] = [{}, lost["Result"]]
    for output in outputs:
        assert len(json.dumps([output] * MOST_CHUNKS, separators=(",", ":"))) <= 256 * 1024


def test_cfn_lint_finds_a_wrong_machine_and_nothing_in_ours(tmp_path: Path) -> None:
    def lint(definition: dict[str, Any]) -> int:
        properties = {
            "RoleArn": "arn:aws:iam::123456789012:role/batches",
            "DefinitionString": json.dumps(definition),
        }
        machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
        template = tmp_path / "machine.json"
        template.write_text(json.dumps({"Resources": {"Machine": machine}}))
        command = [str(Path(sys.executable).with_name("cfn-lint")), str(template)]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert lint(MACHINE) == 0
    assert lint({**MACHINE, "StartAt": "Nowhere"}) != 0


def test_the_machine_invokes_versions_of_workers_reads_lists_of_chunks_and_runs_its_own_map(full: Synthesized) -> None:
    found = {
        action: each.resources
        for each in full.statements()
        if each.path.startswith("Batches") and not each.path.startswith("BatchesFunction")
        for action in each.actions
        if not action.startswith("xray:")
    }
    [workers] = found.pop("lambda:InvokeFunction")
    assert workers.endswith(":function:modelet-full-*-worker:*")
    [lists] = found.pop("s3:GetObject")
    assert lists.endswith("/*/chunks/*")
    [own] = found.pop("states:StartExecution")
    assert own.endswith(":stateMachine:modelet-full-batches")
    assert found.pop("states:DescribeExecution") == found["states:StopExecution"]
    [children] = found.pop("states:StopExecution")
    assert children.endswith(":execution:modelet-full-batches/Chunks:*")
    assert found == {}


def test_the_topic_is_encrypted_and_accepts_only_tls(full: Synthesized) -> None:
    [topic] = [
        each["Properties"]
        for each in full.resources("AWS::SNS::Topic")
        if each["Properties"]["TopicName"] == "modelet-full-batches"
    ]
    assert "alias/aws/sns" in json.dumps(topic["KmsMasterKeyId"])
    [policy] = full.resources("AWS::SNS::TopicPolicy", "BatchTopic/")
    assert "aws:SecureTransport" in json.dumps(policy)


def test_the_function_has_its_settings(full: Synthesized) -> None:
    function = full.only("AWS::Lambda::Function", "BatchesFunction/")
    variables = function["Environment"]["Variables"]
    assert function["FunctionName"] == "modelet-full-batches"
    assert function["Timeout"] == 29
    assert variables["MODELET_PREFIX"] == "modelet-full"
    assert variables["MODELET_WORKERS"] == "ssm:/modelet/full/workers"
    assert variables["MODELET_STATE_MACHINE"].endswith(":stateMachine:modelet-full-batches")
    names = {each["Default"] for each in full.api["Parameters"].values() if "/batch/" in str(each.get("Default"))}
    assert names == {"/modelet/full/batch/control-table", "/modelet/full/batch/bucket"}
    assert "batchcontroltable" in json.dumps(variables["MODELET_CONTROL_TABLE"])
    assert variables["MODELET_BATCHES"]["Fn::Join"][1][0] == "s3://"


def test_an_event_that_fails_is_tried_again_and_one_that_lambda_gives_up_raises_an_alarm(full: Synthesized) -> None:
    """The starts of schedules, and the ends of executions: nobody reads their answers."""
    tried = full.only("AWS::Lambda::EventInvokeConfig", "BatchesFunction/")
    assert (tried["MaximumRetryAttempts"], tried["MaximumEventAgeInSeconds"]) == (2, 3600)
    alarm = full.only("AWS::CloudWatch::Alarm", "BatchesFunction/")
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "AsyncEventsDropped")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": "modelet-full-batches"}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"], alarm["Statistic"]) == (0, "GreaterThanThreshold", "Sum")
    assert "MonitoringAlarmsTopic" in json.dumps(alarm["AlarmActions"])


def test_the_function_is_told_of_executions_that_did_not_succeed_but_not_of_their_children(full: Synthesized) -> None:
    rule = full.only("AWS::Events::Rule", "BatchesFunction/")
    pattern = rule["EventPattern"]
    assert (pattern["source"], pattern["detail-type"]) == (["aws.states"], ["Step Functions Execution Status Change"])
    assert pattern["detail"]["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    [machine] = pattern["detail"]["stateMachineArn"]
    assert machine.endswith(":stateMachine:modelet-full-batches"), "a child's machine has the map's label too"
    assert "BatchesFunction" in json.dumps(rule["Targets"][0]["Arn"])


def test_the_function_may_start_work_and_read_predictions_of_its_stage_only(full: Synthesized) -> None:
    found: dict[str, set[str]] = {}
    for each in full.statements():
        if each.path.startswith("BatchesFunction"):
            for action in each.actions:
                found.setdefault(action, set()).update(re.sub(r"^.*?(:[^:]*)$", r"\1", each) for each in each.resources)
    assert found["states:StartExecution"] == {":modelet-full-batches"}
    assert found["dynamodb:BatchGetItem"] > {":table/modelet-full-*"}
    assert found["dynamodb:Scan"] == {":table/modelet-full-*"}, "the statement of the control table has no Scan"
    assert {"s3:GetObject", "s3:ListBucket"} <= found.keys(), "rejected rows are listed and read"
    assert "dynamodb:BatchWriteItem" not in found
    assert "dynamodb:ConditionCheckItem" not in found
    jobs, failed = ":modelet-full-*-jobs", ":modelet-full-*-jobs-failed"
    assert {action: queues for action, queues in found.items() if action.startswith("sqs:")} == {
        "sqs:GetQueueUrl": {jobs, failed},
        "sqs:SendMessage": {jobs},
        "sqs:ReceiveMessage": {failed},
        "sqs:DeleteMessage": {failed},
    }
    assert found["lambda:InvokeFunction"] == {":live"}
    assert found["ssm:GetParametersByPath"] == {":parameter/modelet/full/workers"}


def test_an_http_api_sends_the_shared_paths_to_the_function(full: Synthesized) -> None:
    assert {key for key in keys(full) if "{name}" in key or "/jobs" in key} == {f"ANY {path}" for path in BATCH_ROUTES}
    [integration] = [
        name for name, each in full.api["Resources"].items() if name.startswith("ApiHttpBatches") and "Uri" in str(each)
    ]
    for each in full.resources("AWS::ApiGatewayV2::Route", "Api/Http/BatchRoute"):
        assert each["Properties"]["AuthorizationType"] == "AWS_IAM"
        assert integration in json.dumps(each["Properties"]["Target"])


def test_no_shared_path_is_greedy_so_that_each_beats_a_model_s_own() -> None:
    assert not [path for path in BATCH_ROUTES if "+}" in path]


def test_browsers_of_other_origins_may_ask_for_the_shared_paths_too(with_jobs: Path) -> None:
    found = synthesize(with_jobs, CORS)
    assert {f"OPTIONS {path}" for path in BATCH_ROUTES} <= keys(found)
    assert "DELETE" in found.only("AWS::ApiGatewayV2::Api")["CorsConfiguration"]["AllowMethods"]
    assert len(found.resources("AWS::ApiGatewayV2::Route", "Api/")) == routes.shared_routes(CORS, 1) <= routes.RESERVED
    assert found.findings() == []


def test_a_rest_api_has_the_paths_of_models_with_batches_or_jobs_only(with_jobs: Path) -> None:
    found = synthesize(with_jobs, REST)
    resources = found.api["Resources"]

    def path(name: str) -> str:
        properties = resources[name]["Properties"]
        parent = properties["ParentId"]
        return (path(parent["Ref"]) if "Ref" in parent else "") + f"/{properties['PathPart']}"

    methods = [each["Properties"] for each in found.resources("AWS::ApiGateway::Method")]
    own = [each for each in methods if "BatchesFunction" in json.dumps(each["Integration"])]
    assert {path(each["ResourceId"]["Ref"]) for each in own} == set(rest_batch_paths(["diabetes"]))
    assert "/models/diabetes/batches/{id}/{part}" in rest_batch_paths(["diabetes"])
    assert not [each for each in methods if "sentiment/batches" in json.dumps(each)]
    assert found.findings() == []


def test_routes_of_batches_count(with_jobs: Path) -> None:
    assert routes.routes_of_a_worker(STAGES["dev"]) == 0
    assert routes.routes_of_a_worker(REST) == len(BATCH_ROUTES) - 1 == 8
    routes.validate(REST, 23, 23)
    with pytest.raises(SynthError, match=r"^functions/: 24 models need 288 routes in the stage dev, above the limit"):
        routes.validate(REST, 24, 24)
    for stage in (STAGES["dev"], CORS, REST):
        assert routes.shared_routes(stage, 1) <= routes.RESERVED


def test_synth_prints_the_routes_if_there_are_batches_or_jobs(with_jobs: Path) -> None:
    done = run(with_jobs)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        f"routes: 28 of models, 10 shared, 300 allowed; batches and jobs: {', '.join(BATCH_ROUTES)}\n"
    )
