"""The types of resource that MiniStack lacks: nothing is done for them, but a wrong one is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ministack.services import cloudwatch, lambda_svc, waf
from ministack.services.cloudformation import provisioners

from e2e.deploy.emulator.functions import trusts

Properties = dict[str, Any]
made: dict[str, Properties] = {}
"""What there is, by its key."""


@dataclass(frozen=True)
class Kind:
    """One type: the properties it must and may have, its id, and what must be there before it."""

    required: frozenset[str]
    optional: frozenset[str]
    identify: Callable[[str, Properties], str]
    complain: Callable[[Properties], str | None]

    def check(self, logical_id: str, props: Properties) -> None:
        """Raise ValueError for what CloudFormation, or the service, would refuse."""
        for wrong, said in (
            (self.required - props.keys(), "lacks"),
            (props.keys() - self.required - self.optional, "has"),
        ):
            if wrong:
                raise ValueError(f"{logical_id} {said} {', '.join(sorted(wrong))}")
        if reason := self.complain(props):
            raise ValueError(f"{logical_id}: {reason}")


def install() -> None:
    """Register the types; all others stay unknown, and MiniStack refuses them."""
    for name, kind in KINDS.items():
        provisioners._RESOURCE_HANDLERS[name] = _handlers(name, kind)


def key(identity: str, props: Properties) -> str:
    """A physical id, behind its application's name where it is unique only there."""
    application = props.get("ApplicationName", identity)
    return identity if application == identity else f"{application}/{identity}"


def _handlers(name: str, kind: Kind) -> dict[str, Any]:
    def create(logical_id: str, props: Properties, _stack: str) -> tuple[str, Properties]:
        kind.check(logical_id, props)
        identity = kind.identify(logical_id, props)
        made[key(identity, props)] = {"Type": name, **props}
        return identity, {"Id": identity, "Arn": identity}

    def update(pid: str, old: Properties, new: Properties, stack: str, logical_id: str) -> tuple[str, Properties]:
        made.pop(key(pid, old), None)
        return create(logical_id, new, stack)

    def delete(pid: str, props: Properties) -> None:
        made.pop(key(pid, props), None)

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


def _scalable_target(props: Properties) -> str | None:
    kind, name, alias = props["ResourceId"].split(":")
    function = lambda_svc._functions.get(name)
    if kind != "function" or function is None or alias not in function["aliases"]:
        return f"no alias {props['ResourceId']}"
    if alias not in function["provisioned_concurrency"]:
        return f"{props['ResourceId']} has no provisioned concurrency"
    least, most = int(props["MinCapacity"]), int(props["MaxCapacity"])
    return None if least <= most else f"MinCapacity {least} is above MaxCapacity {most}"


def _scaling_policy(props: Properties) -> str | None:
    if props["ScalingTargetId"] not in made:
        return f"no scalable target {props['ScalingTargetId']}"
    aim = props.get("TargetTrackingScalingPolicyConfiguration", {}).get("TargetValue", 0)
    return None if 0 < float(aim) <= 1 else f"TargetValue {aim} is no share"


def _deployment_group(props: Properties) -> str | None:
    if props["ApplicationName"] not in made:
        return f"no application {props['ApplicationName']}"
    if not trusts(props["ServiceRoleArn"], "codedeploy"):
        return f"{props['ServiceRoleArn']} is not CodeDeploy's to assume"
    alarms = [each["Name"] for each in props.get("AlarmConfiguration", {}).get("Alarms", [])]
    missing = [name for name in alarms if name not in cloudwatch._alarms]
    return f"no alarm {', '.join(missing)}" if missing else None


def _web_acl_association(props: Properties) -> str | None:
    known = any(acl["ARN"] == props["WebACLArn"] for acl in waf._web_acls.values())
    return None if known else f"no web ACL {props['WebACLArn']}"


KINDS = {
    "AWS::ApplicationAutoScaling::ScalableTarget": Kind(
        frozenset({"MaxCapacity", "MinCapacity", "ResourceId", "ScalableDimension", "ServiceNamespace"}),
        frozenset({"RoleARN", "ScheduledActions", "SuspendedState", "Tags"}),
        lambda _, props: "|".join((props["ResourceId"], props["ScalableDimension"], props["ServiceNamespace"])),
        _scalable_target,
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Kind(
        frozenset({"PolicyName", "PolicyType", "ScalingTargetId", "TargetTrackingScalingPolicyConfiguration"}),
        frozenset(),
        lambda _, props: f"{props['ScalingTargetId']}:policyName/{props['PolicyName']}",
        _scaling_policy,
    ),
    "AWS::CodeDeploy::Application": Kind(
        frozenset({"ComputePlatform"}),
        frozenset({"ApplicationName", "Tags"}),
        lambda logical_id, props: props.get("ApplicationName") or logical_id,
        lambda props: None if props["ComputePlatform"] == "Lambda" else "the platform is not Lambda",
    ),
    "AWS::CodeDeploy::DeploymentGroup": Kind(
        frozenset({"ApplicationName", "ServiceRoleArn"}),
        frozenset(
            {"AlarmConfiguration", "AutoRollbackConfiguration", "DeploymentConfigName", "DeploymentGroupName"}
            | {"DeploymentStyle", "Tags"}
        ),
        lambda logical_id, props: props.get("DeploymentGroupName") or logical_id,
        _deployment_group,
    ),
    "AWS::WAFv2::WebACLAssociation": Kind(
        frozenset({"ResourceArn", "WebACLArn"}),
        frozenset(),
        lambda logical_id, _: f"{logical_id}-{uuid4().hex[:8]}",
        _web_acl_association,
    ),
}
