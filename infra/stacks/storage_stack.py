"""Resources that outlive all others: published versions, predictions, and the records and files of batches and jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Environment, Stack

from infra.constructs.storage.artifact_bucket import STORE, ArtifactBucket, export_name
from infra.constructs.storage.batch_storage import BatchStorage
from infra.constructs.storage.batches_bucket import BatchesBucket
from infra.constructs.storage.retained_table import RetainedTable
from modelet.batch.table import CONTROL, PREDICTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from infra.discovery import Deployable
    from infra.stage import Stage


class StorageStack(Stack):
    """The artifact bucket; a prediction table for each model with `batch:`; what batches and jobs share.

    bucket: the artifact bucket. tables: the prediction tables by model.
    """

    def __init__(self, scope: Construct, *, stage: Stage, models: Sequence[Deployable]) -> None:
        super().__init__(
            scope,
            stage.stack_name("storage"),
            env=Environment(account=stage.account, region=stage.region),
            tags=stage.stack_tags,
            description=f"Modelet's published versions and predictions, {stage.name}",
            termination_protection=True,
        )
        self.bucket = ArtifactBucket(self, "Artifacts").bucket
        self.tables = {
            model.name: RetainedTable(self, f"Predictions-{model.name}", keys=PREDICTIONS).table
            for model in models
            if model.spec.batch is not None
        }
        if any(model.worker for model in models):
            BatchStorage(
                RetainedTable(self, "Control", keys=CONTROL).table.table_name,
                BatchesBucket(self, "Batches").bucket.bucket_name,
                {name: table.table_name for name, table in self.tables.items()},
            ).write(self, stage)
        CfnOutput(self, "BucketName", value=self.bucket.bucket_name, export_name=export_name(stage))
        CfnOutput(
            self,
            "StoreUrl",
            value=f"s3://{self.bucket.bucket_name}/{STORE}",
            description="The store that `modelet push --to` copies versions to.",
        )
