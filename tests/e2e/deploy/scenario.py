"""The whole life of a deployment, step by step; each test goes on where the one before it ended (`make deploy-local`).

The CDK app and the commands are the project's own. What answers is: CloudFormation, IAM, Lambda's control plane, API
Gateway and S3 of MiniStack, CodeDeploy's hook as e2e.deploy.emulator runs it, and each model's real handler in
environments of the local runtime. What that cannot show is listed in docs/deployment.md.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import WaiterError

from e2e.deploy.deployment import (
    API,
    KNOWN,
    OLD,
    STORAGE,
    TOOLS,
    CommandFailedError,
    Deployment,
    function_name,
    model_stack,
)
from e2e.deploy.interruptions import a_batch_that_runs_meanwhile_keeps_its_version
from e2e.deploy.meddling import failures, flip, update, without_triggers
from e2e.deploy.project import BATCHED, MORE, WARM, keep_warm, need_more_memory, publish_another, remove_model
from e2e.deploy.steps import SERVING, WORKING
from support.callers import answered, essence
from support.repository import ROOT
from support.samples import EVERY_EVENT, FOLDERS, sample, status

CHANGED = BATCHED
REMOVED = "breast-cancer"
LISTED_AFTER_S = 15
"""A list of models is read again after ten seconds."""
BEFORE = f"env PYTHONPATH={ROOT / 'tests'} {TOOLS / 'python'} -m e2e.deploy.before"
"""The CDK app of before each model had a stack of its own."""


def test_an_account_is_bootstrapped(deployment: Deployment) -> None:
    with deployment.step("bootstrap"):
        deployment.bootstrap()
    parameter = deployment.account.client("ssm").get_parameter(Name="/cdk-bootstrap/hnb659fds/version")
    assert int(parameter["Parameter"]["Value"]) >= 6


def test_make_synth_publishes_locks_and_writes_the_templates(deployment: Deployment) -> None:
    with deployment.step("make synth"):
        deployment.make("synth")
    assert deployment.template(API)["Resources"]


def test_there_is_a_deployment_of_before_each_model_had_a_stack(deployment: Deployment) -> None:
    with deployment.step("deploy as before"):
        deployment.deploy(STORAGE, BEFORE)
        deployment.run(TOOLS / "modelet", "push", "--to", deployment.output(STORAGE, "StoreUrl"))
        deployment.deploy(OLD, BEFORE)
    assert deployment.stacks() == {STORAGE, OLD}
    assert not deployment.stack(STORAGE).get("Tags")


def test_it_is_migrated_by_the_commands_of_the_changelog(deployment: Deployment) -> None:
    bucket = deployment.bucket
    older = r"modelet-dev-serving was created by an older Modelet.*: run `make destroy STAGE=dev` once"
    with pytest.raises(CommandFailedError, match=older):
        deployment.make("deploy", "APPROVAL=never")
    with deployment.step("make destroy, the migration"):
        deployment.make("destroy", "FORCE=1")
    assert deployment.stacks() == {STORAGE}
    assert deployment.bucket == bucket
    assert published(deployment, bucket) == {f"{folder.replace('_', '-')}/1" for folder in FOLDERS}
    deployment.account.invoker.asked.clear()


def test_make_deploy_ends_with_a_command_that_calls_a_model(deployment: Deployment) -> None:
    with deployment.step("make deploy"):
        said = deployment.make("deploy", "APPROVAL=never")
    assert f"modelet call {deployment.api.url}/models/" in said
    assert f"curl {deployment.api.url}/models/" in said
    models = {model_stack(folder.replace("_", "-")) for folder in FOLDERS}
    assert deployment.stacks() == {STORAGE, API, *models}
    tags = {each["Key"]: each["Value"] for each in deployment.stack(API)["Tags"]}
    assert (tags["modelet:project"], tags["modelet:stage"]) == ("modelet", "dev")


def test_the_bucket_keeps_every_version_for_nobody_else(deployment: Deployment) -> None:
    s3 = deployment.account.client("s3")
    assert s3.get_bucket_versioning(Bucket=deployment.bucket)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=deployment.bucket)["PublicAccessBlockConfiguration"].values())
    assert published(deployment, deployment.bucket) == {f"{folder.replace('_', '-')}/1" for folder in FOLDERS}
    assert deployment.stack(STORAGE)["EnableTerminationProtection"]


def test_each_model_was_checked_once_before_its_alias_was_made(deployment: Deployment) -> None:
    for function in deployment.project.functions():
        assert deployment.live(function.name) == "1"
        assert deployment.checks(function.name, "1") == 1


@pytest.mark.parametrize(("folder", "path"), EVERY_EVENT, ids=lambda value: getattr(value, "stem", value))
def test_the_deployed_api_answers_each_event_as_this_process_does(
    folder: str, path: Path, deployment: Deployment, rows: list[tuple[str, str, str]]
) -> None:
    event = json.loads(path.read_text())
    began = time.perf_counter()
    answer = essence(deployment.api.send(event))
    rows.append((folder, path.stem, f"{answer['status']}  {(time.perf_counter() - began) * 1000:4.0f} ms"))
    assert answer["status"] == status(folder, path.stem), answer["body"]
    assert answer == answered(deployment.project, folder, event, deployment.account.home / "in-process" / folder)


@pytest.mark.parametrize("step", SERVING, ids=lambda step: step.__name__)
def test_calls_and_rights(step: Callable[[Deployment], None], deployment: Deployment) -> None:
    step(deployment)


def test_a_model_that_asks_for_it_is_kept_warm_and_gets_a_table(deployment: Deployment) -> None:
    keep_warm(deployment.project, WARM)
    with deployment.step("synth, warm"):
        deployment.synth()
    with deployment.step("deploy storage and model, warm"):
        deployment.deploy(STORAGE)
        deployment.deploy(model_stack(WARM))
    client = deployment.account.client("lambda")
    warm = client.get_provisioned_concurrency_config(FunctionName=function_name(WARM), Qualifier="live")
    assert warm["RequestedProvisionedConcurrentExecutions"] == 1
    assert deployment.live(WARM) == "2"
    assert deployment.prediction_table(WARM) in deployment.account.client("dynamodb").list_tables()["TableNames"]


@pytest.mark.parametrize("step", WORKING, ids=lambda step: step.__name__)
def test_batches_and_jobs(step: Callable[[Deployment], None], deployment: Deployment) -> None:
    step(deployment)


def test_a_new_version_gets_the_traffic_after_two_checks(deployment: Deployment) -> None:
    before = deployment.api.send(sample(CHANGED))
    with deployment.step("publish and push version 2"):
        version = publish_another(deployment.project, CHANGED)
        deployment.push(CHANGED, version)
    others = {name: deployment.stack(name) for name in deployment.stacks() - {model_stack(CHANGED)}}
    with a_batch_that_runs_meanwhile_keeps_its_version(deployment):
        with deployment.step("make deploy MODEL, version 2"):
            deployment.make("deploy", f"MODEL={CHANGED}", "APPROVAL=never")
        assert deployment.checks(CHANGED, "2") == 2, "the trigger's and CodeDeploy's"
    assert {name: deployment.stack(name) for name in others} == others, "one model was deployed, and nothing else"
    assert deployment.live(CHANGED) == "2"
    after = deployment.api.send(sample(CHANGED))
    assert after["headers"]["x-model-version"] == version
    assert float(after["body"]) == pytest.approx(float(before["body"]) + MORE)
    alarms = deployment.account.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{function_name(CHANGED)}-")
    names = {alarm["AlarmName"].removeprefix(f"{function_name(CHANGED)}-") for alarm in alarms["MetricAlarms"]}
    assert {"2-errors", "2-latency", "throttles"} <= names
    assert deployment.live("breast-cancer") == "1"


def test_make_deploy_without_a_change_changes_nothing(deployment: Deployment) -> None:
    before = {name: deployment.stack(name) for name in deployment.stacks()}
    with deployment.step("make deploy, no change"):
        said = deployment.make("deploy", "APPROVAL=never")
    assert said.count("(no changes)") >= len(before)
    assert {name: deployment.stack(name) for name in before} == before


def test_a_corrupt_version_fails_the_deployment_and_the_old_one_goes_on(deployment: Deployment) -> None:
    version = publish_another(deployment.project, CHANGED)
    deployment.push(CHANGED, version)
    flip(deployment, f"models/{CHANGED}/{version}/model.joblib")
    need_more_memory(deployment.project, WARM)
    asked = deployment.checks(CHANGED, "2")
    with deployment.step("make deploy, a corrupt version"), pytest.raises(CommandFailedError) as failed:
        deployment.make("deploy", "APPROVAL=never")
    assert "SHA-256" in str(failed.value)
    assert f"error: {model_stack(CHANGED)} was not deployed, and still serves what it served before" in str(
        failed.value
    )
    assert deployment.live(WARM) == "3", "another model's release of the same deployment stays"
    assert deployment.checks(CHANGED, "2") == asked, "rolling back needs no call of the version that has the traffic"
    assert_version_2_serves(deployment)


def test_codedeploy_s_hook_alone_stops_a_corrupt_version(deployment: Deployment) -> None:
    with deployment.step("deploy it without the trigger"), pytest.raises(WaiterError):
        update(deployment, model_stack(CHANGED), without_triggers(deployment.template(model_stack(CHANGED))))
    [reason] = failures(deployment, model_stack(CHANGED), "AWS::Lambda::Alias")
    assert reason.endswith(f"BeforeAllowTraffic {function_name(CHANGED)}-check: Failed")
    assert_version_2_serves(deployment)


def test_a_model_that_the_project_has_no_more_is_named_and_removed_alone(deployment: Deployment) -> None:
    others_served = set(deployment.served()) - {REMOVED}
    publish_another(deployment.project, CHANGED)
    kept = deployment.project.root.parent / "kept"
    remove_model(deployment.project, REMOVED.replace("-", "_"), kept)
    with deployment.step("make deploy, a model less"):
        said = deployment.make("deploy", "APPROVAL=never")
    command = f"make destroy STAGE=dev MODEL={REMOVED}"
    assert f"remove it with `{command}`" in said
    assert model_stack(REMOVED) in deployment.stacks()
    others = {name: deployment.stack(name) for name in deployment.stacks() - {model_stack(REMOVED)}}
    with deployment.step("make destroy MODEL"):
        deployment.run(*command.split(), *KNOWN, "FORCE=1")
    assert {name: deployment.stack(name) for name in deployment.stacks()} == others
    time.sleep(LISTED_AFTER_S)
    assert set(deployment.served()) == others_served >= {WARM, CHANGED}
    assert deployment.api.call("GET", f"/models/{REMOVED}").status_code == 404
    assert deployment.api.send(sample(WARM))["statusCode"] == 200


def test_what_serves_is_destroyed_and_what_is_published_stays(deployment: Deployment) -> None:
    api, bucket, account = deployment.api, deployment.bucket, deployment.account
    tables = account.client("dynamodb").list_tables()["TableNames"]
    files = deployment.worker_variables(CHANGED)["MODELET_BATCHES"].removeprefix("s3://")
    with deployment.step("make destroy"):
        deployment.make("destroy", "FORCE=1")
    assert api.call("GET", "/models").status_code == 404
    assert account.client("lambda").list_functions()["Functions"] == []
    assert account.client("stepfunctions").list_state_machines()["stateMachines"] == []
    with pytest.raises(CommandFailedError, match="TerminationProtection"):
        deployment.destroy(STORAGE)
    account.client("cloudformation").update_termination_protection(StackName=STORAGE, EnableTerminationProtection=False)
    with deployment.step("destroy storage"):
        deployment.destroy(STORAGE)
    kept = {f"{folder.replace('_', '-')}/1" for folder in FOLDERS} | {f"{CHANGED}/{number}" for number in (2, 3, 4)}
    assert published(deployment, bucket) == kept
    assert account.client("dynamodb").list_tables()["TableNames"] == tables
    assert account.client("s3").list_objects_v2(Bucket=files, Prefix=f"{CHANGED}/")["KeyCount"]


def assert_version_2_serves(deployment: Deployment) -> None:
    assert deployment.stack(model_stack(CHANGED))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert deployment.live(CHANGED) == "2"
    assert deployment.api.send(sample(CHANGED))["headers"]["x-model-version"] == "2"


def published(deployment: Deployment, bucket: str) -> set[str]:
    """The versions in a bucket: name/version."""
    found = deployment.account.client("s3").list_objects_v2(Bucket=bucket, Prefix="models/")["Contents"]
    manifests = (each["Key"] for each in found if each["Key"].endswith("/model.json"))
    return {key.removeprefix("models/").removesuffix("/model.json") for key in manifests}
