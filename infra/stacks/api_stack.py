"""The API of the models: it can be destroyed, and created again from the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Environment, Stack

from infra.constructs.batches.batches_function import BatchesFunction
from infra.constructs.batches.machine import BatchMachine
from infra.constructs.batches.topic import BatchTopic
from infra.constructs.gateway.inference_api import InferenceApi
from infra.constructs.model.network import S3Endpoint
from infra.constructs.monitoring.monitoring import ApiMonitoring
from infra.constructs.platform.layer import ModeletLayer
from infra.constructs.platform.models_index import ModelsIndex
from infra.constructs.storage.batch_storage import BatchStorage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aws_cdk import aws_lambda as lambda_
    from constructs import Construct

    from infra.discovery import Deployable
    from infra.stage import Stage


class ApiStack(Stack):
    """What all models share: one API, the index of the models, the dashboard of both, the alarm topic.

    If a model has batches or jobs, also their platform function, state machine and topic.
    """

    def __init__(self, scope: Construct, *, stage: Stage, models: Sequence[Deployable]) -> None:
        super().__init__(
            scope,
            stage.stack_name("api"),
            env=Environment(account=stage.account, region=stage.region),
            tags=stage.stack_tags,
            description=f"Modelet's API, {stage.name}",
        )
        root = models[0].root
        layer = ModeletLayer(self, "Layer", root=root).version
        if stage.vpc and stage.vpc.s3_endpoint:
            S3Endpoint(self, "Network", vpc=stage.vpc)
        index = ModelsIndex(self, "Index", stage=stage, root=root, layer=layer)
        names = [model.name for model in models]
        workers = [model.name for model in models if model.worker]
        batches = self._batches(stage, root, layer) if workers else None
        api = InferenceApi(
            self,
            "Api",
            stage=stage,
            models=names,
            index=index.function,
            batches=batches.function if batches else None,
            workers=workers,
        )
        api.reference.write(self, stage)
        alarms = [batches.alarm] if batches else []
        ApiMonitoring(self, "Monitoring", stage=stage, index=index.function, api=api, more_alarms=alarms)
        CfnOutput(self, "ApiUrl", value=api.url)

    def _batches(self, stage: Stage, root: Path, layer: lambda_.LayerVersion) -> BatchesFunction:
        """Create what batches and jobs share; return the function that answers their routes."""
        storage = BatchStorage.read(self, stage)
        BatchMachine(self, "Batches", stage=stage, storage=storage)
        BatchTopic(self, "BatchTopic", stage=stage)
        return BatchesFunction(self, "BatchesFunction", stage=stage, root=root, layer=layer, storage=storage)
