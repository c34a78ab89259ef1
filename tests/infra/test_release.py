"""How a new version gets its traffic, and what keeps it from getting any."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Synthesized

MODELS = ["sentiment", "breast-cancer", "diabetes"]


def alias(template: Synthesized, model: str) -> dict[str, Any]:
    [found] = template.resources("AWS::Lambda::Alias", f"{model}/")
    return found


def named(template: Synthesized, name: str) -> dict[str, Any]:
    found: dict[str, Any] = template.serving["Resources"][name]
    return found


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
def test_codedeploy_asks_the_same_check_before_it_shifts_traffic(full: Synthesized, model: str) -> None:
    update = alias(full, model)["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    hook = named(full, update["BeforeAllowTrafficHook"]["Ref"])["Properties"]
    assert hook["FunctionName"] == f"modelet-full-{model}-check"
    group = named(full, update["DeploymentGroupName"]["Ref"])["Properties"]
    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    rollback = group["AutoRollbackConfiguration"]
    assert rollback["Enabled"] is True
    assert set(rollback["Events"]) == {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"}
    alarms = [named(full, each["Name"]["Ref"])["Properties"] for each in group["AlarmConfiguration"]["Alarms"]]
    assert {each["AlarmName"].rpartition("-")[2] for each in alarms} == {"errors", "latency", "throttles"}
    assert all(each["AlarmActions"] for each in alarms)


def test_provisioned_concurrency_follows_the_traffic_and_the_clock(full: Synthesized) -> None:
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


def test_a_stage_s_own_override_provisions(full: Synthesized) -> None:
    provisioned = alias(full, "breast-cancer")["Properties"]["ProvisionedConcurrencyConfig"]
    assert provisioned == {"ProvisionedConcurrentExecutions": 3}
    assert len(full.resources("AWS::ApplicationAutoScaling::ScalableTarget")) == 1


def test_everything_calls_the_alias(dev: Synthesized) -> None:
    """The API never meets an unpublished or an unchecked version."""
    for integration in dev.resources("AWS::ApiGatewayV2::Integration"):
        uri = str(integration["Properties"]["IntegrationUri"])
        assert "ReleaseLive" in uri or "Index" in uri
