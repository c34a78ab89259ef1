"""Whose stacks are in the account: those of other projects are left alone, and those without a model are named."""

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
from infra.removal import assemble, chosen
from infra.stage import Stage

from .conftest import CONTEXT

STAGE = Stage(name="dev")
OURS = {"modelet:project": "modelet", "modelet:stage": "dev"}
STORAGE, API = Deployed("modelet-dev-storage", OURS), Deployed("modelet-dev-api", OURS)


def model(name: str, tags: dict[str, str] = OURS) -> Deployed:
    return Deployed(f"modelet-dev-model-{name}", tags, name)


def refusal(found: list[Deployed], models: list[str], only: str | None = None, stage: Stage = STAGE) -> str:
    with pytest.raises(SynthError) as refused:
        validate(found, stage, models, only)
    assert "\n" not in str(refused.value)
    return str(refused.value)


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


def test_the_stacks_of_the_stage_are_found_on_every_page_and_no_others(aws: Stubber) -> None:
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


def test_an_empty_account_and_the_project_s_own_stacks_are_no_obstacle() -> None:
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
def test_a_stack_that_another_project_s_tag_owns_is_refused(theirs: Deployed) -> None:
    said = refusal([theirs], ["sentiment"])
    assert said.startswith(f"the stack {theirs.name} belongs to another project (fraud, stage ")
    assert said.endswith("give this one a name of its own, as `project` in cdk.json")


def test_a_stack_without_tags_is_of_the_project_that_had_no_name() -> None:
    stage = Stage(name="dev", project="fraud")
    assert "(modelet, stage unknown)" in refusal([Deployed("fraud-dev-storage", {})], ["sentiment"], stage=stage)


def test_a_second_project_of_the_same_name_is_refused_before_it_meets_the_first_one_s_models() -> None:
    said = refusal([STORAGE, API, model("churn"), model("fraud")], ["sentiment"])
    assert said.startswith("the models that are deployed as modelet-dev (churn, fraud) are none of this project's: ")
    assert "`project` in cdk.json" in said
    assert said.endswith("`make destroy STAGE=dev`")


def test_the_stack_of_before_has_to_go_first() -> None:
    said = refusal([STORAGE, Deployed("modelet-dev-serving", {})], ["sentiment"])
    assert said.startswith("the stack modelet-dev-serving is of an older Modelet")
    assert "run `make destroy STAGE=dev` once, which keeps what is stored, and then `make deploy`" in said


def test_one_model_is_deployed_alone_once_there_is_an_api() -> None:
    validate([STORAGE, API], STAGE, ["sentiment"], "sentiment")
    said = refusal([STORAGE], ["sentiment"], "sentiment")
    assert said == "sentiment cannot be deployed alone, there is no API yet: run `make deploy STAGE=dev`"
    assert refusal([STORAGE, API], ["sentiment", "churn"], "chrun") == (
        "functions/: there is no model chrun: choose one of churn, sentiment"
    )


def test_a_new_model_of_a_rest_api_needs_the_api_s_stack_too() -> None:
    rest = Stage(name="dev", api="rest")
    validate([STORAGE, API, model("sentiment")], rest, ["sentiment"], "sentiment")
    said = refusal([STORAGE, API, model("sentiment")], ["sentiment", "new"], "new", rest)
    assert said.startswith("new cannot be deployed alone, a REST API has no method for it yet: run `make deploy")


def test_what_the_project_has_no_more_is_named_with_the_command_that_removes_it() -> None:
    found = [STORAGE, API, model("old"), model("sentiment"), model("theirs", {"modelet:project": "fraud"})]
    [line] = leftovers(found, STAGE, ["sentiment"])
    assert line == (
        "the stack modelet-dev-model-old still serves a model that the project has no more: "
        "`make destroy STAGE=dev MODEL=old` removes it"
    )


def test_destroy_removes_all_that_serves_and_never_what_is_stored() -> None:
    old, theirs = Deployed("modelet-dev-serving", {}), model("theirs", {"modelet:project": "fraud"})
    assert chosen([STORAGE, API, old, model("a"), model("b"), theirs], STAGE, None) == [
        API,
        old,
        model("a"),
        model("b"),
    ]
    with pytest.raises(SynthError, match=r"^modelet-dev has nothing that serves: there is nothing to remove$"):
        chosen([STORAGE, theirs], STAGE, None)


def test_destroy_removes_one_model_by_its_name() -> None:
    found = [STORAGE, API, model("a"), model("b")]
    assert chosen(found, STAGE, "b") == [model("b")]
    with pytest.raises(SynthError, match=r"^modelet-dev has no model c that is deployed: choose one of a, b$"):
        chosen(found, STAGE, "c")
    with pytest.raises(SynthError, match=r"choose one of none$"):
        chosen([STORAGE, API], STAGE, "storage")


def test_models_are_removed_before_the_api_and_wait_for_nothing_else() -> None:
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
def test_without_a_region_or_credentials_it_is_one_line_with_the_remedy(command: str) -> None:
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
    assert done.stderr.endswith("set AWS_PROFILE, and AWS_REGION\n")
    assert done.stderr.count("\n") == 1
