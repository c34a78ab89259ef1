"""The stack of a model: it can be deployed, rolled back and removed alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Environment, Fn, Stack
from aws_cdk import aws_s3 as s3

from infra.constructs.gateway.api_reference import ApiReference
from infra.constructs.gateway.model_routes import ModelRoutes
from infra.constructs.model.model_function import ModelFunction
from infra.constructs.model.network import Network
from infra.constructs.monitoring.monitoring import ModelMonitoring
from infra.constructs.platform.layer import ModeletLayer
from infra.constructs.release.served_version import ServedVersion
from infra.constructs.storage.artifact_bucket import export_name
from infra.constructs.storage.batch_storage import BatchStorage
from infra.constructs.worker.worker_function import WorkerFunction
from infra.stacks.calling import call_lines

if TYPE_CHECKING:
    from constructs import Construct

    from infra.discovery import Deployable
    from infra.stage import Stage


class ModelStack(Stack):
    """One model behind the stage's API, with its release, its alarms and its dashboard.

    It refers to the API's stack only by names and SSM parameters, and no stack refers to it: none blocks the removal of
    another.
    """

    def __init__(self, scope: Construct, *, stage: Stage, model: Deployable) -> None:
        super().__init__(
            scope,
            stage.model_stack_name(model.name),
            env=Environment(account=stage.account, region=stage.region),
            tags=stage.stack_tags,
            description=f"Modelet's model {model.name}, {stage.name}",
        )
        bucket = s3.Bucket.from_bucket_name(self, "Artifacts", Fn.import_value(export_name(stage)))
        layer = ModeletLayer(self, "Layer", root=model.root).version
        network = Network(self, "Network", vpc=stage.vpc) if stage.vpc else None
        source = model.spec.features
        features = BatchStorage.read(self, stage, source.source) if source else None
        function = ModelFunction(
            self,
            model.name,
            stage=stage,
            model=model,
            bucket=bucket,
            layer=layer,
            features=features,
            network=network,
        )
        api = ApiReference.read(self, stage)
        ModelRoutes(function, "Routes", stage=stage, model=function, api=api)
        ServedVersion(function, "Served", stage=stage, model=function)
        alarms = []
        if model.worker is not None:
            worker = WorkerFunction(
                self,
                f"{model.name}-worker",
                stage=stage,
                model=model,
                worker=model.worker,
                bucket=bucket,
                storage=BatchStorage.read(self, stage, model.name if model.spec.batch is not None else None),
                features=features,
                network=network,
            )
            # New work waits for the check of the version that requests use.
            worker.alias.node.add_dependency(function.alias)
            alarms = worker.alarms
        ModelMonitoring(function, "Monitoring", stage=stage, model=function, more_alarms=alarms)
        for name, value in call_lines(stage, model, api.url, self.region).items():
            CfnOutput(self, name, value=value)
