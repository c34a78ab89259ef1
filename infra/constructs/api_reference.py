"""What the stacks of models know of the API: its ids, by SSM parameters, so that no stack keeps another from going."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_ssm as ssm

if TYPE_CHECKING:
    from constructs import Construct

    from infra.stage import Stage


@dataclass(frozen=True)
class ApiReference:
    """The ids of a stage's API, and its URL without a slash at the end.

    authorizer_id: of what reads tokens, where `auth` is jwt. preflight_id: of the integration behind the routes for
    browsers' preflights, where the stage names origins.
    """

    api_id: str
    url: str
    authorizer_id: str | None = None
    preflight_id: str | None = None

    @classmethod
    def read(cls, scope: Construct, stage: Stage) -> ApiReference:
        """What the API's stack wrote, as parameters of the stack of `scope`."""

        def value(part: str) -> str:
            return str(ssm.StringParameter.value_for_string_parameter(scope, stage.parameter("api", part)))

        return cls(
            value("id"),
            value("url"),
            value("authorizer-id") if stage.auth == "jwt" else None,
            value("preflight-id") if stage.cors_origins else None,
        )

    def write(self, scope: Construct, stage: Stage) -> None:
        """Write the parameters that `read` reads."""
        for part, value in (
            ("id", self.api_id),
            ("url", self.url),
            ("authorizer-id", self.authorizer_id),
            ("preflight-id", self.preflight_id),
        ):
            if value is not None:
                ssm.StringParameter(
                    scope,
                    f"Parameter-{part}",
                    parameter_name=stage.parameter("api", part),
                    string_value=value,
                    description=f"The API's {part}, which the models' stacks read",
                )
