"""The DynamoDB table of a stage's batches and jobs."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from modelet.batch.table import CONTROL, EXPIRES


class ControlTable(Construct):
    """The truth about batches, their chunks, jobs and active generations of all models of a stage.

    The table is billed per request, can be restored to any second of the last 35 days, and is kept by `destroy`.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.table = dynamodb.TableV2(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name=CONTROL.partition, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=CONTROL.sort, type=dynamodb.AttributeType.STRING),
            billing=dynamodb.Billing.on_demand(),
            encryption=dynamodb.TableEncryptionV2.aws_managed_key(),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute=EXPIRES,
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
