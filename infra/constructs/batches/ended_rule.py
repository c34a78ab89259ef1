"""The rule that tells the platform function when an execution has ended badly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.constructs.batches.machine import machine_arn
from infra.discovery import BATCHES

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_

    from infra.stage import Stage


class EndedRule(Construct):
    """EventBridge's rule for executions of batches that failed, timed out or were stopped.

    Some errors end an execution without its last step, for example a history of more than 25,000 events. Without the
    rule, such a batch would be RUNNING until its status is read. Children of the map have another state machine.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, function: lambda_.IFunction) -> None:
        super().__init__(scope, construct_id)
        events.Rule(
            self,
            "Rule",
            rule_name=f"{stage.function_name(BATCHES)}-ended",
            description=f"Executions of batches that did not succeed, {stage.name}",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [machine_arn(self, stage)],
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                },
            ),
            targets=[targets.LambdaFunction(function)],
        )
