"""The S3 bucket of published versions: the store is its folder models/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.checks.nag import accept

if TYPE_CHECKING:
    from infra.stage import Stage

STORE = "models"
"""The store's folder in the bucket; a version is in models/NAME/VERSION/."""


def export_name(stage: Stage) -> str:
    """Return the name under which a stage's storage stack exports the name of its bucket."""
    return f"{stage.prefix}-artifacts"


class ArtifactBucket(Construct):
    """A bucket that retains its objects: versioned, encrypted, private, TLS only, and kept by `destroy`.

    No current object ever expires: a version that a function pins must stay.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="expire-replaced-and-deleted-files",
                    noncurrent_version_expiration=Duration.days(90),
                    expired_object_delete_marker=True,
                ),
                s3.LifecycleRule(
                    id="abort-incomplete-uploads", abort_incomplete_multipart_upload_after=Duration.days(7)
                ),
            ],
        )
        accept(
            self.bucket,
            "S1",
            "CloudTrail's data events name who reads and writes; access logs have only addresses, and need a second "
            "bucket that is kept for ever.",
        )
