"""The permissions of a model's worker: everything it reads and writes belongs to its model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.checks.nag import accept_resource
from infra.constructs.batches.batches_function import RECORDS
from infra.constructs.batches.topic import topic_arn
from infra.constructs.model.execution_role import ExecutionRole
from infra.discovery import worker_name
from modelet.batch.table import leading_keys, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_s3 as s3

    from infra.constructs.storage.batch_storage import BatchStorage
    from infra.discovery import Deployable
    from infra.stage import Stage

BATCH_ID = f"{re.sub('[0-9a-f]', '?', new_id(0))}-*"
"""The form of a batch's id and attempt in a resource: no name of a table of `a` is one of a model `a-b`."""

# docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Requesting.html, "Setting up IAM permissions"
IMPORT_ACTIONS = [
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteTable",
    "dynamodb:DescribeImport",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:ImportTable",
    "dynamodb:PutItem",
    "dynamodb:TagResource",
    "dynamodb:UpdateTimeToLive",
]
IMPORT_LOG_ACTIONS = [
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "logs:PutRetentionPolicy",
]


def import_prefix(stage: Stage, model: str) -> str:
    """Return the first part of the names of the tables that a model's imports create."""
    return f"{stage.function_name(model)}-"


class WorkerRole(Construct):
    """The role of one worker.

    role: the role that the function assumes. It may not write its log yet: the log group grants that.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        model: Deployable,
        bucket: s3.IBucket,
        storage: BatchStorage,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage, self._model, self._storage = stage, model, storage
        self.role = ExecutionRole(
            self, "Execution", stage=stage, model=model, bucket=bucket, function=worker_name(model.name)
        ).role
        self._may_keep_records()
        self._may_use_files()
        if model.spec.batch is not None:
            self._may_write_predictions()
            self._may_import()
            self._may_read_inputs(model.spec.batch.inputs)
            self._may_write_results(model.spec.batch.results)
            self._allow(["sns:Publish"], topic_arn(self, stage))

    def _may_keep_records(self) -> None:
        """Allow the items of the control table whose partition keys begin with the model."""
        keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": leading_keys(self._model.name)}}
        self._allow(RECORDS, self._table(self._storage.control_table), conditions=keys)

    def _may_use_files(self) -> None:
        folder = f"{self._model.name}/*"
        self._allow(
            ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            _bucket_arn(self, self._storage.bucket, folder),
            "The files of the model's own batches, jobs and uploads.",
        )
        self._may_list(self._storage.bucket, [folder])

    def _may_write_predictions(self) -> None:
        # A scan finds what belongs to generations that nobody can read any more.
        actions = ["dynamodb:BatchWriteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"]
        self._allow(actions, self._table(self._storage.prediction_tables[self._model.name]))

    def _may_import(self) -> None:
        table = self._table(f"{import_prefix(self._stage, self._model.name)}{BATCH_ID}")
        for resource in (table, f"{table}/import/*"):
            self._allow(IMPORT_ACTIONS, resource, "Imports create the tables, which the ids of their batches name.")
        logs = Stack.of(self).format_arn(service="logs", resource="log-group:/aws-dynamodb/*")
        self._allow(IMPORT_LOG_ACTIONS, logs, "DynamoDB writes the errors of imports there, and names the streams.")

    def _may_read_inputs(self, places: list[str]) -> None:
        by_bucket: dict[str, list[str]] = {}
        for place in places:
            bucket, _, key = place.removeprefix("s3://").partition("/")
            self._allow(
                ["s3:GetObject"],
                _bucket_arn(self, bucket, key),
                f"{self._model.yaml} names these objects as inputs of batches.",
            )
            by_bucket.setdefault(bucket, []).append(f"{re.split(r'[*?]', key, maxsplit=1)[0]}*")
        for bucket, prefixes in by_bucket.items():
            self._may_list(bucket, prefixes)

    def _may_write_results(self, places: list[str]) -> None:
        for place in places:
            bucket, _, key = place.removeprefix("s3://").partition("/")
            self._allow(
                ["s3:PutObject"],
                _bucket_arn(self, bucket, key),
                f"{self._model.yaml} names this place for results of batches.",
            )

    def _may_list(self, bucket: str, prefixes: list[str]) -> None:
        # The list of a whole bucket has no prefix at all, which no pattern matches.
        conditions = None if "*" in prefixes else {"StringLike": {"s3:prefix": prefixes}}
        self._allow(["s3:ListBucket"], _bucket_arn(self, bucket), conditions=conditions)

    def _table(self, name: str) -> str:
        return Stack.of(self).format_arn(service="dynamodb", resource="table", resource_name=name)

    def _allow(
        self, actions: list[str], resource: str, reason: str = "", *, conditions: Mapping[str, object] | None = None
    ) -> None:
        self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource], conditions=conditions))
        if reason and re.search(r"[*?]", resource):
            accept_resource(self.role, resource, reason)


def _bucket_arn(scope: Construct, bucket: str, key: str | None = None) -> str:
    return Stack.of(scope).format_arn(service="s3", region="", account="", resource=bucket, resource_name=key)
