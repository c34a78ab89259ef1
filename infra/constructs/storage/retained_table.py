"""A DynamoDB table of batches and jobs: the control table of a stage, and the prediction table of each model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from modelet.batch.table import EXPIRES

if TYPE_CHECKING:
    from modelet.batch.table import TableKeys


class RetainedTable(Construct):
    """A table that is billed per request, can be restored to any second of the last 35 days, and is kept by `destroy`.

    Items expire after `expires_at` (Unix time in seconds). keys: the names of its two keys, which are texts.
    """

    def __init__(self, scope: Construct, construct_id: str, *, keys: TableKeys) -> None:
        super().__init__(scope, construct_id)
        self.table = dynamodb.TableV2(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name=keys.partition, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=keys.sort, type=dynamodb.AttributeType.STRING),
            billing=dynamodb.Billing.on_demand(),
            encryption=dynamodb.TableEncryptionV2.aws_managed_key(),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute=EXPIRES,
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
