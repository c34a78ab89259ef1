"""The API of the models: it can be destroyed, and created again from the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Environment, Stack

from infra.constructs.gateway.inference_api import InferenceApi
from infra.constructs.model.network import S3Endpoint
from infra.constructs.monitoring.monitoring import ApiMonitoring
from infra.constructs.platform.layer import ModeletLayer
from infra.constructs.platform.models_index import ModelsIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from infra.discovery import Deployable
    from infra.stage import Stage


class ApiStack(Stack):
    """What all models share: one API, the index of the models, the dashboard of both, and the alarm topic."""

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
        api = InferenceApi(self, "Api", stage=stage, models=names, index=index.function)
        api.reference.write(self, stage)
        ApiMonitoring(self, "Monitoring", stage=stage, index=index.function, api=api)
        CfnOutput(self, "ApiUrl", value=api.url)
