"""Deployed stacks: those of other projects are not touched, and those without a model are listed."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from aws_cdk import App
from botocore.stub import Stubber

from conftest import SIGNED_IN
from infra.checks.deployed import Deployed, deployed, leftovers, validate
from infra.errors import SynthError
from infra.layer import ROOT
from infra.removal import assemble, select
from infra.stage import Stage

from .conftest import CONTEXT

STAGE = Stage(name="dev")
OURS = {"modelet:project": "modelet", "modelet:stage": "dev"}
STORAGE, API = Deployed("modelet-dev-storage", OURS), Deployed("modelet-dev-api", OURS)


def model(name: str, tags: dict[str, str] = OURS) -> Deployed:
    return Deployed(f"modelet-dev-model-{name}", tags, name)


def rejection(found: list[Deployed], models: list[str], only: str | None = None, stage: Stage = STAGE) -> str:
    with pytest.raises(SynthError) as rejected:
        validate(found, stage, models, only)
    assert "\n" not in str(rejected.value)
    return str(rejected.value)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """CloudFormation's client, whose answers a test writes down."""
    for name, value in SIGNED_IN.items():
        monkeypatch.setenv(name, value)
    with Stubber(boto3.client("cloudformation")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def page(*stacks: tuple[str, str], token: str | None = None) -> dict[str, Any]:
    created = "2026-01-01T00:00:00Z"
    found = [
        {"StackName": name, "StackStatus": status, "CreationTime": created, "Tags": [{"Key": "team", "Value": name}]}
        for name, status in stacks
    ]
    return {"Stacks": found, **({"NextToken": token} if token else {})}


def test_only_the_stage_s_stacks_are_returned_from_all_pages(aws: Stubber) -> None:
    done = "CREATE_COMPLETE"
    first = page(("modelet-dev-storage", done), ("modelet-prod-api", done), ("CDKToolkit", done), token="more")
    second = page(
        ("modelet-dev-model-sentiment", "UPDATE_ROLLBACK_COMPLETE"),
        ("modelet-dev-model-gone", "DELETE_COMPLETE"),
        ("modelet-dev-other", done),
        ("fraud-dev-api", done),
        ("modelet-dev-api", done),
    )
    aws.add_response("describe_stacks", first, {})
    aws.add_response("describe_stacks", second, {"NextToken": "more"})
    assert deployed(aws.client, STAGE) == [
        Deployed("modelet-dev-api", {"team": "modelet-dev-api"}),
        Deployed("modelet-dev-model-sentiment", {"team": "modelet-dev-model-sentiment"}, "sentiment"),
        Deployed("modelet-dev-storage", {"team": "modelet-dev-storage"}),
    ]


def test_an_empty_account_and_the_project_s_own_stacks_are_accepted() -> None:
    validate([], STAGE, ["sentiment"])
    validate([STORAGE, API, model("sentiment"), model("old")], STAGE, ["sentiment", "new"])
    validate([Deployed("modelet-dev-storage", {})], STAGE, ["sentiment"])


@pytest.mark.parametrize(
    "theirs",
    [
        model("sentiment", {**OURS, "modelet:project": "fraud"}),
        dataclasses.replace(API, tags={"modelet:project": "fraud", "modelet:stage": "dev"}),
        dataclasses.replace(STORAGE, tags={"modelet:project": "fraud"}),
    ],
    ids=["model", "api", "storage"],
)
def test_a_stack_with_another_project_s_tags_is_rejected(theirs: Deployed) -> None:
    message = rejection([theirs], ["sentiment"])
    assert message.startswith(f"the stack {theirs.name} belongs to another project (fraud, stage ")
    assert message.endswith("change `project` in cdk.json to a name of its own")


def test_a_stack_without_tags_belongs_to_the_default_project() -> None:
    stage = Stage(name="dev", project="fraud")
    assert "(modelet, stage unknown)" in rejection([Deployed("fraud-dev-storage", {})], ["sentiment"], stage=stage)


def test_a_second_project_with_the_same_name_is_rejected() -> None:
    message = rejection([STORAGE, API, model("churn"), model("fraud")], ["sentiment"])
    assert message.startswith("the deployed models of modelet-dev (churn, fraud) are not models of this project: ")
    assert "`project` in cdk.json" in message
    assert message.endswith("`make destroy STAGE=dev`")


def test_the_single_stack_of_an_older_modelet_must_be_removed_first() -> None:
    message = rejection([STORAGE, Deployed("modelet-dev-serving", {})], ["sentiment"])
    assert message.startswith("the stack modelet-dev-serving was created by an older Modelet")
    assert "run `make destroy STAGE=dev` once, which keeps the stored versions, and then `make deploy`" in message


def test_one_model_can_be_deployed_alone_if_the_api_exists() -> None:
    validate([STORAGE, API], STAGE, ["sentiment"], "sentiment")
    message = rejection([STORAGE], ["sentiment"], "sentiment")
    assert message == "sentiment cannot be deployed alone: there is no API yet: run `make deploy STAGE=dev`"
    assert rejection([STORAGE, API], ["sentiment", "churn"], "chrun") == (
        "functions/: there is no model chrun: choose one of churn, sentiment"
    )


def test_a_new_model_behind_a_rest_api_cannot_be_deployed_alone() -> None:
    rest = Stage(name="dev", api="rest")
    validate([STORAGE, API, model("sentiment")], rest, ["sentiment"], "sentiment")
    message = rejection([STORAGE, API, model("sentiment")], ["sentiment", "new"], "new", rest)
    assert message.startswith("new cannot be deployed alone: the REST API has no methods for it yet: run `make deploy")


def test_a_stack_without_a_model_in_the_project_is_listed_with_the_command_that_removes_it() -> None:
    found = [STORAGE, API, model("old"), model("sentiment"), model("theirs", {"modelet:project": "fraud"})]
    [line] = leftovers(found, STAGE, ["sentiment"])
    assert line == (
        "the stack modelet-dev-model-old serves a model that is no longer in the project: "
        "remove it with `make destroy STAGE=dev MODEL=old`"
    )


def test_destroy_removes_the_api_and_the_models_but_not_the_storage() -> None:
    old, theirs = Deployed("modelet-dev-serving", {}), model("theirs", {"modelet:project": "fraud"})
    assert select([STORAGE, API, old, model("a"), model("b"), theirs], STAGE, None) == [
        API,
        old,
        model("a"),
        model("b"),
    ]
    with pytest.raises(SynthError, match=r"^modelet-dev has no deployed API or model: there is nothing to remove$"):
        select([STORAGE, theirs], STAGE, None)


def test_destroy_removes_one_model_by_its_name() -> None:
    found = [STORAGE, API, model("a"), model("b")]
    assert select(found, STAGE, "b") == [model("b")]
    with pytest.raises(SynthError, match=r"^modelet-dev has no deployed model c: choose one of a, b$"):
        select(found, STAGE, "c")
    with pytest.raises(SynthError, match=r"has no deployed model storage: there is nothing to remove$"):
        select([STORAGE, API], STAGE, "storage")


def test_models_are_removed_before_the_api_and_do_not_wait_for_each_other() -> None:
    app = App(context=CONTEXT, analytics_reporting=False)  # the CDK's own rules, as cdk.json turns them on
    assemble(app, [API, model("a"), model("b")], Stage(name="dev", region="eu-west-1"))
    stacks = {each.stack_name: each for each in app.synth().stacks}
    waits = {
        name: sorted(each.id for each in stack.dependencies if each.id in stacks) for name, stack in stacks.items()
    }
    assert waits == {
        "modelet-dev-api": [],
        "modelet-dev-model-a": ["modelet-dev-api"],
        "modelet-dev-model-b": ["modelet-dev-api"],
    }
    assert {stack.environment.region for stack in stacks.values()} == {"eu-west-1"}


@pytest.mark.parametrize("command", ["infra.checks.account", "infra.checks.deployed"])
def test_without_region_and_credentials_the_error_is_one_line_with_the_remedy(command: str) -> None:
    keep = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nobody = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull}
    environment = {**keep, **nobody, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", command, "modelet", "dev"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot call AWS (")
    assert done.stderr.endswith("set AWS_PROFILE and AWS_REGION\n")
    assert done.stderr.count("\n") == 1
