"""The dependencies between the stacks of a stage: a model can be deployed, rolled back and removed alone."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.stage import STAGES, Stage

from .conftest import Synthesized, synthesize

MODELS = ["breast-cancer", "churn", "diabetes", "ner", "sentiment", "toolbox"]
JWT = Stage(
    name="dev",
    auth="jwt",
    jwt_issuer="https://issuer.example.com",
    jwt_audience=("models",),
    cors_origins=("https://page.example.com",),
)
NAMES = (
    "AlarmName",
    "ApplicationName",
    "DashboardName",
    "FunctionName",
    "LogGroupName",
    "Name",
    "ParameterName",
    "QueueName",
    "StateMachineName",
    "TopicName",
)
"""Properties by which a resource is known in the whole account."""


@pytest.fixture(scope="module")
def project(plain_project: Path) -> Path:
    """Without batches and jobs, for which other files have tests."""
    return plain_project


@pytest.fixture(scope="module")
def dev(plain: Synthesized) -> Synthesized:
    return plain


@pytest.fixture(scope="module")
def rest(project: Path) -> Synthesized:
    return synthesize(project, Stage(name="dev", api="rest"))


@pytest.fixture(scope="module")
def jwt(project: Path) -> Synthesized:
    return synthesize(project, JWT)


def of_type(template: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each for each in template["Resources"].values() if each["Type"] == kind]


def imports(value: Any) -> Iterator[Any]:
    """What a template takes from other stacks' exports."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "Fn::ImportValue":
                yield inner
            yield from imports(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from imports(inner)


def read(template: dict[str, Any]) -> set[str]:
    """The SSM parameters that a stack reads when it is deployed."""
    kind = "AWS::SSM::Parameter::Value<String>"
    found = {each["Default"] for each in template.get("Parameters", {}).values() if each["Type"] == kind}
    return {name for name in found if not name.startswith("/cdk-bootstrap/")}


def written(template: dict[str, Any]) -> dict[str, Any]:
    """The SSM parameters that a stack writes, with their values."""
    parameters = [each["Properties"] for each in of_type(template, "AWS::SSM::Parameter")]
    return {each["Name"]: each["Value"] for each in parameters}


@pytest.mark.parametrize("kind", ["dev", "full", "rest", "jwt"])
def test_no_export_blocks_the_removal_of_a_stack_that_serves(kind: str, request: pytest.FixtureRequest) -> None:
    found: Synthesized = request.getfixturevalue(kind)
    for template in found.serving:
        assert not [name for name, each in template.get("Outputs", {}).items() if "Export" in each]
    assert list(imports(found.api)) == []
    stage = "full" if kind == "full" else "dev"
    for template in found.models.values():
        assert set(imports(template)) <= {f"modelet-{stage}-artifacts"}, "what is stored outlives what serves"


def test_a_model_s_stack_depends_only_on_storage_and_api(dev: Synthesized) -> None:
    def waits(stack: str) -> set[str]:
        named = set(dev.manifest[stack]["dependencies"])
        return {name for name in named if not name.endswith(".assets")}

    assert waits("modelet-dev-storage") == set()
    assert waits("modelet-dev-api") == {"modelet-dev-storage"}
    for model in MODELS:
        assert waits(f"modelet-dev-model-{model}") == {"modelet-dev-storage", "modelet-dev-api"}


@pytest.mark.parametrize("kind", ["dev", "rest", "jwt"])
def test_the_models_stacks_read_the_parameters_that_the_api_s_stack_writes(
    kind: str, request: pytest.FixtureRequest
) -> None:
    found: Synthesized = request.getfixturevalue(kind)
    ids = {"/modelet/dev/api/id", "/modelet/dev/api/url"}
    if kind == "jwt":
        ids |= {"/modelet/dev/api/authorizer-id", "/modelet/dev/api/preflight-id"}
    assert set(written(found.api)) == ids
    assert not [value for value in written(found.api).values() if isinstance(value, str)]
    for template in found.models.values():
        assert read(template) == ids


@pytest.mark.parametrize("model", MODELS)
def test_an_http_api_s_routes_to_a_model_are_in_the_model_s_stack(dev: Synthesized, model: str) -> None:
    keys = {each["Properties"]["RouteKey"] for each in of_type(dev.models[model], "AWS::ApiGatewayV2::Route")}
    paths = (f"/models/{model}", f"/models/{model}/{{proxy+}}", f"/v2/models/{model}", f"/v2/models/{model}/{{proxy+}}")
    assert keys == {f"ANY {path}" for path in paths}
    assert [each["Properties"]["RouteKey"] for each in of_type(dev.api, "AWS::ApiGatewayV2::Route")] == ["$default"]
    [integration] = of_type(dev.models[model], "AWS::ApiGatewayV2::Integration")
    [permission] = of_type(dev.models[model], "AWS::Lambda::Permission")
    [alias] = [name for name, each in dev.models[model]["Resources"].items() if each["Type"] == "AWS::Lambda::Alias"]
    assert integration["Properties"]["IntegrationUri"] == permission["Properties"]["FunctionName"] == {"Ref": alias}
    named = re.search(rf"\b{model}\b", json.dumps(dev.api))
    assert not named, "a model that comes or goes leaves the API's stack as it is"


def test_the_routes_of_all_stacks_have_the_stage_s_authorization(dev: Synthesized, jwt: Synthesized) -> None:
    for found, kind in ((dev, "AWS_IAM"), (jwt, "JWT")):
        for template in found.serving:
            for each in of_type(template, "AWS::ApiGatewayV2::Route"):
                route = each["Properties"]
                preflight = route["RouteKey"].startswith("OPTIONS ")
                assert route["AuthorizationType"] == ("NONE" if preflight else kind), route["RouteKey"]
                assert ("AuthorizerId" in route) == (kind == "JWT" and not preflight)


@pytest.mark.parametrize("model", MODELS)
def test_a_preflight_of_a_model_s_path_reaches_the_index_and_not_the_model(jwt: Synthesized, model: str) -> None:
    routes = [each["Properties"] for each in of_type(jwt.models[model], "AWS::ApiGatewayV2::Route")]
    [integration] = [
        name
        for name, each in jwt.models[model]["Resources"].items()
        if each["Type"] == "AWS::ApiGatewayV2::Integration"
    ]
    for route in routes:
        own = integration in json.dumps(route["Target"])
        assert own != route["RouteKey"].startswith("OPTIONS ")
    assert len(routes) == 8


@pytest.mark.parametrize("model", MODELS)
def test_a_rest_api_has_its_methods_and_names_functions_by_arn(rest: Synthesized, model: str) -> None:
    methods = [each["Properties"] for each in of_type(rest.api, "AWS::ApiGateway::Method")]
    own = [each for each in methods if f":modelet-dev-{model}:live/invocations" in json.dumps(each["Integration"])]
    assert len(own) == 4
    assert not of_type(rest.models[model], "AWS::ApiGateway::Method")
    assert not of_type(rest.models[model], "AWS::ApiGatewayV2::Route")
    [permission] = of_type(rest.models[model], "AWS::Lambda::Permission")
    assert "apiid" in json.dumps(permission["Properties"]["SourceArn"]).lower()


@pytest.mark.parametrize("model", MODELS)
def test_the_index_reads_the_version_that_each_model_s_stack_writes_after_its_alias_has_moved(
    dev: Synthesized, model: str
) -> None:
    path = "/modelet/dev/models"
    assert written(dev.models[model]) == {f"{path}/{model}": "1"}
    [parameter] = of_type(dev.models[model], "AWS::SSM::Parameter")
    [alias] = [name for name, each in dev.models[model]["Resources"].items() if each["Type"] == "AWS::Lambda::Alias"]
    assert alias in parameter["DependsOn"]
    index = dev.only("AWS::Lambda::Function", "Index/")
    assert index["Environment"]["Variables"]["MODELET_MODELS"] == f"ssm:{path}"
    [right] = [each for each in dev.statements() if "ssm:GetParametersByPath" in each.actions]
    [resource] = right.resources
    assert right.path.startswith("Index/")
    assert resource.endswith(f":parameter{path}")


@pytest.mark.parametrize("model", MODELS)
def test_a_model_s_stack_outputs_the_commands_that_call_it(dev: Synthesized, model: str) -> None:
    outputs = dev.models[model]["Outputs"]
    assert set(outputs) == {"CallWith", "CallWithCurl"}
    query = {"toolbox": "?model=iris"}.get(model, "")
    for output in outputs.values():
        assert f"/models/{model}/infer{query}" in json.dumps(output["Value"])
    assert set(dev.api["Outputs"]) == {"ApiUrl"}


@pytest.mark.parametrize("model", MODELS)
def test_a_model_s_alarms_and_dashboard_are_in_its_own_stack(dev: Synthesized, model: str) -> None:
    names = {each["Properties"]["DashboardName"] for each in of_type(dev.models[model], "AWS::CloudWatch::Dashboard")}
    assert names == {f"modelet-dev-{model}"}
    alarms = of_type(dev.models[model], "AWS::CloudWatch::Alarm")
    assert len(alarms) == 3
    for alarm in alarms:
        [action] = alarm["Properties"]["AlarmActions"]
        assert json.dumps(action).endswith(':modelet-dev-alarms"]]}'), "the topic is named, so that no stack waits"


def test_a_stage_can_omit_the_dashboards_of_models(project: Path) -> None:
    found = synthesize(project, dataclasses.replace(STAGES["dev"], model_dashboards=False))
    assert [each["Properties"]["DashboardName"] for each in found.resources("AWS::CloudWatch::Dashboard")] == [
        "modelet-dev"
    ]
    assert len(found.resources("AWS::CloudWatch::Alarm")) == 3 * len(MODELS) + 1


def test_every_stack_has_the_tags_of_project_and_stage(dev: Synthesized, full: Synthesized) -> None:
    for found, stage, more in ((dev, "dev", {}), (full, "full", {"team": "search"})):
        stacks = {name: each for name, each in found.manifest.items() if each["type"] == "aws:cloudformation:stack"}
        assert len(stacks) == 2 + len(MODELS)
        for name, each in stacks.items():
            assert each["properties"]["tags"] == {"modelet:project": "modelet", "modelet:stage": stage, **more}, name


def named(found: Synthesized) -> set[str]:
    """Every name that the templates give to something in the account."""
    texts = set()
    for template in (found.storage, *found.serving):
        for each in template["Resources"].values():
            texts |= {json.dumps(each["Properties"][key]) for key in NAMES if key in each.get("Properties", {})}
        texts |= {each["Export"]["Name"] for each in template["Outputs"].values() if "Export" in each}
    # The hash of a function's configuration is a part of its version's logical id.
    return {re.sub(r"(CurrentVersion)\w+", r"\1", text) for text in texts if re.search("modelet|fraud", text)}


def test_two_projects_in_one_account_and_stage_share_no_name(dev: Synthesized, project: Path) -> None:
    theirs = synthesize(project, dataclasses.replace(STAGES["dev"], project="fraud"))
    ours = named(dev)
    assert len(ours) > 20
    assert named(theirs).isdisjoint(ours)
    assert {text.replace("fraud", "modelet") for text in named(theirs)} == ours
    assert all("modelet" not in json.dumps(written(each)) for each in theirs.serving)
