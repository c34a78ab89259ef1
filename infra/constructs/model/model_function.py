"""A model as a Lambda function: its image, configuration, permissions and live alias."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, Size, Tags
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.checks.nag import accept_warning
from infra.constructs.model.environment import features_variables, variables
from infra.constructs.model.execution_role import ExecutionRole
from infra.constructs.model.image import model_image
from infra.constructs.platform.log_group import log_group
from infra.constructs.release.release import Release
from infra.constructs.storage.artifact_bucket import STORE

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3

    from infra.constructs.model.network import Network
    from infra.constructs.storage.batch_storage import BatchStorage
    from infra.discovery import Deployable
    from infra.stage import Stage

ARCHITECTURES = {"x86_64": lambda_.Architecture.X86_64, "arm64": lambda_.Architecture.ARM_64}


class ModelFunction(Construct):
    """One served model.

    name: the model's name. model: the deployed model. version: the Lambda version of this synth. alias: `live`, which
    all callers invoke. alarms: the alarms that roll a deployment back.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        model: Deployable,
        bucket: s3.IBucket,
        layer: lambda_.LayerVersion,
        features: BatchStorage | None = None,
        network: Network | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = model.name
        self.model = model
        resources, scaling = model.spec.resources, model.spec.scaling
        self.log_group = log_group(self, stage, stage.function_name(model.name))
        # A version keeps its role. While traffic moves from a version that reads S3 to one that does not, both need
        # theirs.
        role_id = "Execution" if model.spec.artifact == "store" else "BakedExecution"
        role = ExecutionRole(self, role_id, stage=stage, model=model, bucket=bucket, features=features).role
        self.log_group.grant_write(role)
        self.function = lambda_.DockerImageFunction(
            self,
            "Function",
            function_name=stage.function_name(model.name),
            description=f"Version {model.bundle.lock.version} of the model {model.name}",
            code=model_image(model, self.node),
            architecture=ARCHITECTURES[resources.architecture],
            memory_size=resources.memory_mb,
            timeout=Duration.seconds(resources.timeout_s),
            ephemeral_storage_size=Size.mebibytes(resources.tmp_mb),
            environment=variables(stage, model, f"s3://{bucket.bucket_name}/{STORE}", features_variables(features)),
            role=role.without_policy_updates(),
            log_group=self.log_group,
            tracing=lambda_.Tracing.ACTIVE if stage.tracing else lambda_.Tracing.DISABLED,
            reserved_concurrent_executions=scaling.max_concurrency,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if scaling.snapstart else None,
            **(network.placement if network and model.spec.vpc else {}),
        )
        # Lambda checks the permissions when it creates the function, and the first init uses them.
        self.function.node.add_dependency(role)
        self.version = self.function.current_version
        if scaling.snapstart:
            accept_warning(self.function, "aws-lambda:snapStartRequirePublish", "The version above is published.")
        release = Release(self, "Release", stage=stage, model=model, version=self.version, layer=layer)
        self.alias, self.alarms = release.alias, release.alarms
        for key, value in {"modelet:model": model.name, **model.spec.tags}.items():
            Tags.of(self).add(key, value)
