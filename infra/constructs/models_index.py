"""The platform function that lists the models and answers every path that no model answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from constructs import Construct

from infra.constructs.platform_function import PlatformFunction
from infra.discovery import INDEX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_lambda as lambda_

    from infra.discovery import Deployable
    from infra.stage import Stage


class ModelsIndex(Construct):
    """The index, told what is deployed: it needs no right to look."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        models: Sequence[Deployable],
        layer: lambda_.LayerVersion,
    ) -> None:
        super().__init__(scope, construct_id)
        served = {model.name: model.bundle.lock.version for model in models}
        self.function = PlatformFunction(
            self,
            "Platform",
            stage=stage,
            root=models[0].root,
            folder="models_index",
            layer=layer,
            function_name=stage.function_name(INDEX),
            environment={"MODELET_MODELS": json.dumps(served)},
        ).function
