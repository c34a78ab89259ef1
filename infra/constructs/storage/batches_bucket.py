"""The S3 bucket of batches and jobs: lists of chunks, rejected rows, files to import, results, uploads."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.checks.nag import accept
from modelet.batch.lifetimes import FILES_DAYS


class BatchesBucket(Construct):
    """A bucket whose objects expire: encrypted, private, TLS only, and kept by `destroy`.

    It has no versions: a step that runs twice writes the same file again. The files of a model are below its name. What
    must stay longer is in a table, or in a bucket that model.yaml names.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(id="expire", expiration=Duration.days(FILES_DAYS)),
                s3.LifecycleRule(
                    id="abort-incomplete-uploads", abort_incomplete_multipart_upload_after=Duration.days(1)
                ),
            ],
        )
        accept(
            self.bucket,
            "S1",
            "CloudTrail's data events name who reads and writes; access logs have only addresses, and need a second "
            "bucket that is kept for ever.",
        )
