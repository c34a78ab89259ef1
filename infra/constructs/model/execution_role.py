"""The permissions of a model's code: read its own versions and secrets, write its own log, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.checks.nag import accept_resource
from infra.constructs.storage.artifact_bucket import STORE
from infra.constructs.storage.batch_storage import imported_tables
from modelet.batch.table import active_key

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3

    from infra.constructs.storage.batch_storage import BatchStorage
    from infra.discovery import Deployable
    from infra.stage import Stage

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html, "Required IAM permissions"
NETWORK_ACTIONS = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]
TRACE_ACTIONS = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]


class ExecutionRole(Construct):
    """The role of one model function, or of its worker.

    function: the last part of the function's name, if it is the worker's. A worker may always read versions: a batch
    that still runs uses an older version of the function, which may not have its files in the image. features: the
    tables with the prediction set that `features:` names.

    role: the role that the function assumes. It has no permission to write the log yet: the log group grants that.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        model: Deployable,
        bucket: s3.IBucket,
        function: str | None = None,
        features: BatchStorage | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"Execution role of {'the worker of ' if function else ''}the model {model.name}, {stage.name}",
        )
        if model.spec.artifact == "store" or function:
            self._may_read_versions(model, bucket)
        if model.spec.secrets:
            self._allow(["secretsmanager:GetSecretValue"], sorted(model.spec.secrets.values()))
        if model.spec.features is not None and features is not None:
            self._may_read_features(stage, model.spec.features.source, features)
        if stage.tracing:
            self._allow(TRACE_ACTIONS, ["*"])
            accept_resource(self.role, "*", "X-Ray has no permissions for single resources.")
        if model.spec.vpc:
            self._may_join_network(stage.function_name(function or model.name))

    def _may_read_versions(self, model: Deployable, bucket: s3.IBucket) -> None:
        versions = bucket.arn_for_objects(f"{STORE}/{model.name}/*")
        self._allow(["s3:GetObject"], [versions])
        accept_resource(
            self.role,
            versions,
            "The files of the model's own versions, older ones too: a canary and a roll-back start them.",
        )

    def _may_read_features(self, stage: Stage, source: str, tables: BatchStorage) -> None:
        """Allow reading the pointer to the active predictions of one model, and these predictions."""

        def table(name: str) -> str:
            return Stack.of(self).format_arn(service="dynamodb", resource="table", resource_name=name)

        keys = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [active_key(source)["pk"]]}}
        self.role.add_to_policy(
            iam.PolicyStatement(actions=["dynamodb:GetItem"], resources=[table(tables.control_table)], conditions=keys)
        )
        imported = table(imported_tables(stage, source))
        self._allow(["dynamodb:BatchGetItem", "dynamodb:GetItem"], [table(tables.prediction_tables[source]), imported])
        accept_resource(self.role, imported, f"Imports create tables of {source}, which the ids of their batches name.")

    def _may_join_network(self, function_name: str) -> None:
        """Let Lambda connect the function to its network, but deny the function's code the same actions."""
        self._allow(NETWORK_ACTIONS, ["*"])
        accept_resource(
            self.role,
            "*",
            "Lambda creates the network interfaces, so their names are not known in advance; the next statement denies "
            "these actions to the function's own code.",
        )
        own = Stack.of(self).format_arn(
            service="lambda",
            resource="function",
            resource_name=function_name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        self.role.add_to_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=NETWORK_ACTIONS,
                resources=["*"],
                conditions={"ArnEquals": {"lambda:SourceFunctionArn": own}},
            )
        )

    def _allow(self, actions: list[str], resources: list[str]) -> None:
        self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
