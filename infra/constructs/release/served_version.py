"""The served version of a model, for models_index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.constructs.platform.models_index import MODELS

if TYPE_CHECKING:
    from infra.constructs.model.model_function import ModelFunction
    from infra.stage import Stage


class ServedVersion(Construct):
    """An SSM parameter with the version that the live alias serves; it is written after the alias has moved."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, model: ModelFunction) -> None:
        super().__init__(scope, construct_id)
        parameter = ssm.StringParameter(
            self,
            "Parameter",
            parameter_name=stage.parameter(MODELS, model.name),
            string_value=model.model.bundle.lock.version,
            description=f"The served version of the model {model.name}",
        )
        parameter.node.add_dependency(model.alias)
