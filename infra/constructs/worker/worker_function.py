"""A model's worker as a Lambda function: its image, configuration, permissions, versions and alias."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Size, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.constructs.batches.batches_function import WORKERS
from infra.constructs.batches.topic import topic_arn
from infra.constructs.model.environment import features_variables, variables
from infra.constructs.model.image import model_image
from infra.constructs.model.model_function import ARCHITECTURES
from infra.constructs.platform.log_group import log_group
from infra.constructs.release.release import ALIAS
from infra.constructs.storage.artifact_bucket import STORE
from infra.constructs.storage.batch_storage import import_prefix
from infra.constructs.worker.batch_schedule import BatchSchedule
from infra.constructs.worker.job_queue import CONSUME, JobQueue
from infra.constructs.worker.worker_role import WorkerRole
from infra.discovery import worker_name

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_s3 as s3

    from infra.constructs.model.network import Network
    from infra.constructs.storage.batch_storage import BatchStorage
    from infra.discovery import Deployable
    from infra.stage import Stage
    from modelet.dev.project.worker_sections import Worker

STARTING = {"inputs", "results", "schedule", "timezone", "input"}
"""Keys of `batch:` that the platform function does not need; they may be longer than a parameter."""


class WorkerFunction(Construct):
    """The second function of a model: it scores chunks of batches and answers jobs, and never serves a request.

    A batch names the version that it runs on, so versions are kept. alias: `live`, the version for new work. alarms:
    its own.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        model: Deployable,
        worker: Worker,
        bucket: s3.IBucket,
        storage: BatchStorage,
        features: BatchStorage | None = None,
        network: Network | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.alarms: list[cloudwatch.Alarm] = []
        name = stage.function_name(worker_name(model.name))
        logs = log_group(self, stage, name)
        self.role = WorkerRole(
            self, "Rights", stage=stage, model=model, bucket=bucket, storage=storage, features=features
        ).role
        logs.grant_write(self.role)
        queue = self._queue(stage, model)
        self.function = lambda_.DockerImageFunction(
            self,
            "Function",
            function_name=name,
            description=f"Batches and jobs of version {model.bundle.lock.version} of the model {model.name}",
            code=model_image(model, self.node, target="worker"),
            architecture=ARCHITECTURES[model.spec.resources.architecture],
            memory_size=worker.memory_mb,
            timeout=Duration.seconds(worker.timeout_s),
            ephemeral_storage_size=Size.mebibytes(worker.tmp_mb),
            environment=variables(
                stage,
                model,
                f"s3://{bucket.bucket_name}/{STORE}",
                {**self._variables(stage, model, storage, queue), **features_variables(features)},
            ),
            role=self.role.without_policy_updates(),
            log_group=logs,
            tracing=lambda_.Tracing.ACTIVE if stage.tracing else lambda_.Tracing.DISABLED,
            reserved_concurrent_executions=worker.max_concurrency,
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
            **(network.placement if network and model.spec.vpc else {}),
        )
        self.function.node.add_dependency(self.role)
        self.alias = lambda_.Alias(self, "Live", alias_name=ALIAS, version=self.function.current_version)
        if queue:
            queue.feed(self.alias)
        self._announce(stage, model, worker)
        self._schedule(stage, model)
        for key, value in {"modelet:model": model.name, **model.spec.tags}.items():
            Tags.of(self).add(key, value)

    def _variables(
        self, stage: Stage, model: Deployable, storage: BatchStorage, queue: JobQueue | None
    ) -> dict[str, str]:
        own = {"MODELET_CONTROL_TABLE": storage.control_table, "MODELET_BATCHES": f"s3://{storage.bucket}"}
        if model.spec.batch is not None:
            own |= {
                "MODELET_PREDICTION_TABLE": storage.prediction_tables[model.name],
                "MODELET_IMPORT_PREFIX": import_prefix(stage, model.name),
                "MODELET_TOPIC": topic_arn(self, stage),
                "MODELET_DUPLICATES": model.spec.batch.duplicates,
            }
        if model.spec.jobs is not None and queue is not None:
            own["MODELET_JOB_ATTEMPTS"] = str(model.spec.jobs.attempts)
            own["MODELET_JOB_QUEUE"] = queue.queue.queue_url
        return own

    def _queue(self, stage: Stage, model: Deployable) -> JobQueue | None:
        if model.spec.jobs is None:
            return None
        queue = JobQueue(self, "Jobs", stage=stage, model=model, jobs=model.spec.jobs)
        self.role.add_to_policy(iam.PolicyStatement(actions=CONSUME, resources=[queue.queue.queue_arn]))
        self.alarms.append(queue.alarm)
        return queue

    def _announce(self, stage: Stage, model: Deployable, worker: Worker) -> None:
        """Write what the platform function must know, after the alias has moved."""
        batch, jobs = model.spec.batch, model.spec.jobs
        sections = {
            "batch": batch.model_dump(mode="json", exclude=STARTING) if batch else None,
            "jobs": jobs.model_dump(mode="json") if jobs else None,
            "worker": {
                "max_concurrency": worker.max_concurrency,
                "function_version": self.alias.version.version,
                "model_version": model.bundle.lock.version,
            },
        }
        parameter = ssm.StringParameter(
            self,
            "Announced",
            parameter_name=stage.parameter(WORKERS, model.name),
            string_value=json.dumps(sections),
            description=f"What batches and jobs of the model {model.name} take",
        )
        parameter.node.add_dependency(self.alias)

    def _schedule(self, stage: Stage, model: Deployable) -> None:
        batch = model.spec.batch
        if batch is None or batch.schedule is None or batch.input is None:
            return
        BatchSchedule(
            self,
            "Schedule",
            stage=stage,
            model=model.name,
            expression=batch.schedule,
            timezone=batch.timezone,
            request=batch.input,
        ).node.add_dependency(self.alias)
