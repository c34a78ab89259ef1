"""The platform function that lists the models and answers every path that belongs to no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.platform.platform_function import PlatformFunction
from infra.discovery import INDEX

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk import aws_lambda as lambda_

    from infra.stage import Stage

MODELS = "models"
"""The path, below the stage's parameters, where each model's stack writes the version that it serves."""


class ModelsIndex(Construct):
    """The index; it may read which versions are served, and nothing else."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, root: Path, layer: lambda_.LayerVersion
    ) -> None:
        super().__init__(scope, construct_id)
        path = stage.parameter(MODELS)
        self.function = PlatformFunction(
            self,
            "Platform",
            stage=stage,
            root=root,
            folder="models_index",
            layer=layer,
            function_name=stage.function_name(INDEX),
            environment={"MODELET_MODELS": f"ssm:{path}"},
        ).function
        parameters = Stack.of(self).format_arn(
            service="ssm", resource="parameter", resource_name=path.removeprefix("/")
        )
        self.function.add_to_role_policy(
            iam.PolicyStatement(actions=["ssm:GetParametersByPath"], resources=[parameters])
        )
