"""What serves: it can be destroyed and made again from the project and the storage stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Environment, Fn, Stack
from aws_cdk import aws_s3 as s3

from infra.constructs.artifact_bucket import export_name
from infra.constructs.inference_api import InferenceApi
from infra.constructs.layer import ModeletLayer
from infra.constructs.model_function import ModelFunction
from infra.constructs.models_index import ModelsIndex
from infra.constructs.monitoring import Monitoring
from infra.constructs.network import Network
from infra.stacks.calling import call_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from infra.discovery import Deployable
    from infra.stage import Stage


class ServingStack(Stack):
    """Every model behind one API, with the alarms and the dashboard of both."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        models: Sequence[Deployable],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=Environment(account=stage.account, region=stage.region),
            description=f"Modelet's models and their API, {stage.name}",
        )
        root = models[0].root
        bucket = s3.Bucket.from_bucket_name(self, "Artifacts", Fn.import_value(export_name(stage)))
        layer = ModeletLayer(self, "Layer", root=root).version
        network = Network(self, "Network", given=stage.vpc) if stage.vpc else None
        functions = [
            ModelFunction(self, model.name, stage=stage, model=model, bucket=bucket, layer=layer, network=network)
            for model in models
        ]
        index = ModelsIndex(self, "Index", stage=stage, models=models, layer=layer)
        api = InferenceApi(self, "Api", stage=stage, models=functions, index=index.function)
        Monitoring(self, "Monitoring", stage=stage, models=functions, index=index.function, api=api)
        for name, value in {"ApiUrl": api.url, **call_lines(stage, models, api.url, self.region)}.items():
            CfnOutput(self, name, value=value)
