"""What goes wrong on purpose, and how."""

from __future__ import annotations

import json
from typing import Any

from e2e.deploy.deployment import Deployment

TEMPLATE_KEY = "template.json"


def flip(deployment: Deployment, key: str) -> None:
    """Change one byte of an artifact in the bucket, as whoever may write there could."""
    s3 = deployment.account.client("s3")
    data = bytearray(s3.get_object(Bucket=deployment.bucket, Key=key)["Body"].read())
    data[-1] ^= 1
    s3.put_object(Bucket=deployment.bucket, Key=key, Body=bytes(data))


def without_triggers(template: dict[str, Any]) -> dict[str, Any]:
    """The template without the checks that run before an alias moves: only CodeDeploy's is left."""
    triggers = {name for name, each in template["Resources"].items() if each["Type"] == "Custom::Trigger"}
    assert triggers
    for name in triggers:
        del template["Resources"][name]
    for each in template["Resources"].values():
        if "DependsOn" in each:
            each["DependsOn"] = [name for name in each["DependsOn"] if name not in triggers]
    return template


def update(deployment: Deployment, stack: str, template: dict[str, Any]) -> None:
    """Update a stack with a template of ours; raises botocore's WaiterError where it fails."""
    s3, cloudformation = deployment.account.client("s3"), deployment.account.client("cloudformation")
    s3.put_object(Bucket=deployment.bucket, Key=TEMPLATE_KEY, Body=json.dumps(template).encode())
    url = f"{deployment.account.endpoint}/{deployment.bucket}/{TEMPLATE_KEY}"
    capabilities = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
    cloudformation.update_stack(StackName=stack, TemplateURL=url, Capabilities=capabilities)
    waiter = cloudformation.get_waiter("stack_update_complete")
    waiter.wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 120})


def failures(deployment: Deployment, stack: str, kind: str) -> list[str]:
    """Why resources of a type failed, in all of a stack's life."""
    events = deployment.account.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [
        each["ResourceStatusReason"]
        for each in events
        if each["ResourceType"] == kind and each["ResourceStatus"] == "UPDATE_FAILED"
    ]
