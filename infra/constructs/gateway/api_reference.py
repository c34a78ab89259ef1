"""The API's IDs for the models' stacks, passed by SSM parameters so that no stack blocks the removal of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_ssm as ssm

if TYPE_CHECKING:
    from constructs import Construct

    from infra.stage import Stage


@dataclass(frozen=True)
class ApiReference:
    """The IDs of a stage's API, and its URL without a trailing slash.

    authorizer_id: the ID of the JWT authorizer, if `auth` is jwt. preflight_id: the ID of the integration of the
    preflight routes, if the stage has CORS origins.
    """

    api_id: str
    url: str
    authorizer_id: str | None = None
    preflight_id: str | None = None

    @classmethod
    def read(cls, scope: Construct, stage: Stage) -> ApiReference:
        """Return the reference that the API's stack wrote, as parameters of the stack of `scope`."""

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
                    description=f"The API's {part}, read by the models' stacks",
                )
