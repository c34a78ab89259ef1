"""A function's own log group."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs

if TYPE_CHECKING:
    from constructs import Construct

    from infra.stage import Stage


def log_group(scope: Construct, stage: Stage, name: str) -> logs.LogGroup:
    """Create the log group of the function `name`. It is deleted with its stack; otherwise it would block the next."""
    group = logs.LogGroup(scope, "Log", log_group_name=f"/aws/lambda/{name}", removal_policy=RemovalPolicy.DESTROY)
    # RetentionDays has only names for the numbers; infra/checks/limits.py rejects numbers that it does not have.
    cast("logs.CfnLogGroup", group.node.default_child).retention_in_days = stage.log_retention_days
    return group
