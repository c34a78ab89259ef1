"""The release of a new version: checks, alarms and traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.checks.nag import flat
from infra.stage import Stage

from .conftest import Synthesized, synthesize

MODELS = ["sentiment", "breast-cancer", "churn", "diabetes", "toolbox"]


def alias(template: Synthesized, model: str) -> dict[str, Any]:
    [found] = template.resources("AWS::Lambda::Alias", f"{model}/")
    return found


def named(template: Synthesized, name: str) -> dict[str, Any]:
    return template.resource(name)


def release_alarms(template: Synthesized, model: str) -> list[dict[str, Any]]:
    update = alias(template, model)["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    group = named(template, update["DeploymentGroupName"]["Ref"])["Properties"]
    return [named(template, each["Name"]["Ref"])["Properties"] for each in group["AlarmConfiguration"]["Alarms"]]


@pytest.mark.parametrize("model", MODELS)
def test_the_alias_moves_only_after_the_check_of_its_version(dev: Synthesized, model: str) -> None:
    live = alias(dev, model)
    [trigger] = [name for name in live["DependsOn"] if named(dev, name)["Type"] == "Custom::Trigger"]
    check_version = named(dev, trigger)["Properties"]["HandlerArn"]["Ref"]
    check = named(dev, check_version)["Properties"]["FunctionName"]["Ref"]
    variables = named(dev, check)["Properties"]["Environment"]["Variables"]
    checked = variables["CHECK_FUNCTION"]["Ref"]
    assert live["Properties"]["FunctionVersion"] == {"Fn::GetAtt": [checked, "Version"]}
    assert variables["CHECK_EVENT"] == f"events/{model.replace('-', '_')}/infer.json"


@pytest.mark.parametrize("model", MODELS)
def test_codedeploy_runs_the_same_check_before_it_shifts_traffic(full: Synthesized, model: str) -> None:
    update = alias(full, model)["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    hook = named(full, update["BeforeAllowTrafficHook"]["Ref"])["Properties"]
    assert hook["FunctionName"] == f"modelet-full-{model}-check"
    group = named(full, update["DeploymentGroupName"]["Ref"])["Properties"]
    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    rollback = group["AutoRollbackConfiguration"]
    assert rollback["Enabled"] is True
    events = {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"}
    assert set(rollback["Events"]) == events
    alarms = release_alarms(full, model)
    assert {flat(each["AlarmName"]).rpartition("-")[2] for each in alarms} == {"errors", "latency"}
    assert all(each["AlarmActions"] for each in alarms)


@pytest.mark.parametrize("model", MODELS)
def test_release_alarms_measure_only_the_new_version(full: Synthesized, model: str) -> None:
    live = alias(full, model)["Properties"]
    number = live["FunctionVersion"]
    for alarm in release_alarms(full, model):
        metrics = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", ()) if "MetricStat" in query]
        for metric in metrics or [alarm]:
            dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
            assert dimensions["ExecutedVersion"] == number, metric
            if metric["Namespace"] == "AWS/Lambda":
                assert flat(dimensions["Resource"]).endswith(":live"), "Lambda has the dimension beside an alias only"


@pytest.mark.parametrize("model", MODELS)
def test_a_new_version_has_new_alarms(full: Synthesized, model: str) -> None:
    number = flat(alias(full, model)["Properties"]["FunctionVersion"])
    for alarm in release_alarms(full, model):
        assert flat(alarm["AlarmName"]).startswith(f"modelet-full-{model}-{number}-")


@pytest.mark.parametrize("model", MODELS)
def test_the_timeouts_of_check_trigger_and_provider_increase(dev: Synthesized, model: str) -> None:
    [trigger] = dev.resources("Custom::Trigger", f"{model}/")
    check = dev.only("AWS::Lambda::Function", f"{model}/Release/Check/")
    [provider] = [
        each["Properties"]
        for name, each in dev.models[model]["Resources"].items()
        if each["Type"] == "AWS::Lambda::Function" and name.startswith("AWSCDKTriggerCustomResourceProvider")
    ]
    assert 14 * 60 < check["Timeout"] < int(trigger["Properties"]["Timeout"]) / 1000 < provider["Timeout"] <= 15 * 60


@pytest.mark.parametrize(("template", "gateway_s"), [("dev", "30"), ("rest", "29")])
def test_the_check_gets_the_timeout_of_its_kind_of_gateway(
    dev: Synthesized, project: Path, template: str, gateway_s: str
) -> None:
    stage = Stage(name="rest", api="rest")
    found = dev if template == "dev" else synthesize(project, stage)
    for model in MODELS:
        check = found.only("AWS::Lambda::Function", f"{model}/Release/Check/")
        assert check["Environment"]["Variables"]["CHECK_GATEWAY_S"] == gateway_s


def test_the_check_gets_the_alias_and_may_read_it(full: Synthesized) -> None:
    check = full.only("AWS::Lambda::Function", "sentiment/Release/Check/")
    variables = check["Environment"]["Variables"]
    assert (variables["CHECK_ALIAS"], variables["CHECK_PROVISIONED"]) == ("live", "2")
    actions = {
        action
        for each in full.statements()
        if each.path == "sentiment/Release/Check/Platform"
        for action in each.actions
    }
    assert {"lambda:GetAlias", "lambda:InvokeFunction"} <= actions


def test_provisioned_concurrency_scales_with_traffic_and_schedules(full: Synthesized) -> None:
    provisioned = alias(full, "sentiment")["Properties"]["ProvisionedConcurrencyConfig"]
    assert provisioned == {"ProvisionedConcurrentExecutions": 2}
    target = full.only("AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 10)
    morning, evening = target["ScheduledActions"]
    assert morning["Schedule"] == "cron(0 8 ? * MON-FRI *)"
    assert morning["Timezone"] == "Asia/Seoul"
    assert morning["ScalableTargetAction"] == {"MinCapacity": 5, "MaxCapacity": 20}
    assert evening["ScalableTargetAction"] == {"MinCapacity": 1, "MaxCapacity": 1}
    tracking = full.only("AWS::ApplicationAutoScaling::ScalingPolicy")["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == 0.6


def test_a_stage_can_override_provisioned_concurrency(full: Synthesized) -> None:
    provisioned = alias(full, "breast-cancer")["Properties"]["ProvisionedConcurrencyConfig"]
    assert provisioned == {"ProvisionedConcurrentExecutions": 3}
    assert len(full.resources("AWS::ApplicationAutoScaling::ScalableTarget")) == 1


def test_every_integration_calls_the_alias(dev: Synthesized) -> None:
    """The API never meets an unpublished or an unchecked version."""
    for integration in dev.resources("AWS::ApiGatewayV2::Integration"):
        uri = str(integration["Properties"]["IntegrationUri"])
        assert "ReleaseLive" in uri or "Index" in uri or "BatchesFunction" in uri
