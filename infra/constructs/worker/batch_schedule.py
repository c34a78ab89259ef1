"""The schedule that starts batches of a model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.discovery import BATCHES
from modelet.batch.schedule import schedule_event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.stage import Stage


class BatchSchedule(Construct):
    """A schedule of EventBridge Scheduler that sends a batch's request to the platform function `batches`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        model: str,
        expression: str,
        timezone: str,
        request: Mapping[str, Any],
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        function = stack.format_arn(
            service="lambda",
            resource="function",
            resource_name=stage.function_name(BATCHES),
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": stack.account}}
            ),
            description=f"Role of the schedule of batches of {model}, {stage.name}",
        )
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function]))
        schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            name=stage.function_name(f"{model}-batch"),
            description=f"Batches of the model {model}",
            schedule_expression=expression,
            schedule_expression_timezone=timezone,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function,
                role_arn=role.role_arn,
                input=json.dumps(schedule_event(model, request)),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=3600, maximum_retry_attempts=10
                ),
            ),
        )
        schedule.node.add_dependency(role)
