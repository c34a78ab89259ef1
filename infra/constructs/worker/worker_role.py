"""The permissions of a model's worker: everything it reads and writes belongs to its model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.checks.nag import accept_resource
from infra.constructs.batches.topic import topic_arn
from infra.constructs.model.execution_role import ExecutionRole
from infra.constructs.storage.batch_storage import imported_tables
from infra.discovery import worker_name
from modelet.batch.table import leading_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_s3 as s3

    from infra.constructs.storage.batch_storage import BatchStorage
    from infra.discovery import Deployable
    from infra.stage import Stage

RECORDS = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"]
"""What the records of batches and jobs need; a transaction needs the rights of its parts."""

# docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Requesting.html, "Setting up IAM permissions"
TABLE_ACTIONS = [
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteTable",
    "dynamodb:ImportTable",
    "dynamodb:UpdateTimeToLive",
]
"""Create a table, correct the rows of repeated keys, let rows expire, and delete it when it is not read any more."""
IMPORT_LOG_ACTIONS = [
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "logs:PutRetentionPolicy",
]


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
        features: BatchStorage | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage, self._model, self._storage = stage, model, storage
        self.role = ExecutionRole(
            self,
            "Execution",
            stage=stage,
            model=model,
            bucket=bucket,
            function=worker_name(model.name),
            features=features,
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
            ["s3:GetObject", "s3:PutObject"],
            _bucket_arn(self, self._storage.bucket, folder),
            "The files of the model's own batches, jobs and uploads.",
        )
        if self._model.spec.batch is not None:  # an import lists the files that it reads
            self._may_list(self._storage.bucket, [folder])

    def _may_write_predictions(self) -> None:
        # A scan finds what belongs to generations that nobody can read any more.
        self._allow(
            ["dynamodb:BatchWriteItem", "dynamodb:Scan"], self._table(self._storage.prediction_tables[self._model.name])
        )

    def _may_import(self) -> None:
        table = self._table(imported_tables(self._stage, self._model.name))
        self._allow(TABLE_ACTIONS, table, "Imports create the tables, which the ids of their batches name.")
        self._allow(["dynamodb:DescribeImport"], f"{table}/import/*", "DynamoDB names the imports into these tables.")
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
            by_bucket.setdefault(bucket, []).append(listed_prefix(key))
        for bucket, prefixes in by_bucket.items():
            self._may_list(bucket, list(dict.fromkeys(prefixes)))
        self._may_use_keys("kms:Decrypt", places)

    def _may_write_results(self, places: list[str]) -> None:
        for place in places:
            bucket, _, key = place.removeprefix("s3://").partition("/")
            self._allow(
                ["s3:PutObject"],
                _bucket_arn(self, bucket, key),
                f"{self._model.yaml} names this place for results of batches.",
            )
        self._may_use_keys("kms:GenerateDataKey", places)

    def _may_use_keys(self, action: str, places: list[str]) -> None:
        """Allow keys of KMS, through S3 and for the objects at these places only; a key's own policy decides too.

        S3 tells KMS the ARN of the object; or of its bucket, if that has a bucket key. Sources: "Encryption context" in
        docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html, and …/bucket-key.html.
        """
        if not places:
            return
        parts = [place.removeprefix("s3://").partition("/") for place in places]
        arns = [_bucket_arn(self, bucket, key) for bucket, _, key in parts]
        arns += [_bucket_arn(self, bucket) for bucket in dict.fromkeys(bucket for bucket, _, _ in parts)]
        used = {"kms:EncryptionContext:aws:s3:arn": arns, "kms:ViaService": "s3.*.amazonaws.com*"}
        keys = Stack.of(self).format_arn(service="kms", region="*", account="*", resource="key", resource_name="*")
        self._allow(
            [action],
            keys,
            f"Only S3 uses these keys, and only for objects that {self._model.yaml} names.",
            conditions={"StringLike": used},
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


def listed_prefix(key: str) -> str:
    """Return the prefixes that are listed to find the objects of a place: those of its folder, and below it.

    A wildcard in a name is looked for in the list of the whole folder.
    """
    folder = re.split(r"[*?]", key, maxsplit=1)[0].rpartition("/")[0]
    return f"{folder}/*" if folder else "*"


def _bucket_arn(scope: Construct, bucket: str, key: str | None = None) -> str:
    return Stack.of(scope).format_arn(service="s3", region="", account="", resource=bucket, resource_name=key)
