"""The HTTPS API of the models: the kind of API Gateway that the stage selects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.checks import access, routes
from infra.checks.nag import accept_resource
from infra.constructs.gateway.http_api import HttpInferenceApi
from infra.constructs.gateway.rest_api import RestInferenceApi

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_lambda as lambda_

    from infra.stage import Stage


class InferenceApi(Construct):
    """One API for all models; every path requires the stage's `auth`, health checks included.

    models: the models' names. workers: those of models with batches or jobs, which the function `batches` answers.
    reference: the API's IDs for the models' stacks. url: without a trailing slash. invoke_arn: the resource of the
    `execute-api:Invoke` permission that a caller of a signed API needs. kind: the API itself. Raises SynthError if API
    Gateway cannot provide it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        models: Sequence[str],
        index: lambda_.IFunction,
        batches: lambda_.IFunction | None = None,
        workers: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        access.validate(stage)
        routes.validate(stage, len(models), len(workers))
        self.kind: HttpInferenceApi | RestInferenceApi
        if stage.api == "http":
            self.kind = HttpInferenceApi(self, "Http", stage=stage, index=index, batches=batches)
        else:
            self.kind = RestInferenceApi(
                self, "Rest", stage=stage, models=models, index=index, batches=batches, workers=workers
            )
        self.reference = self.kind.reference
        self.url = self.kind.url
        self.invoke_arn = self.kind.invoke_arn

    def grant_invoke(self, caller: iam.IRole) -> iam.Grant:
        """Allow a role to call this stage's API only, if its calls are signed (`auth="iam"`)."""
        accept_resource(caller, self.invoke_arn, "All methods and paths of this one API.")
        return iam.Grant.add_to_principal(
            grantee=caller, actions=["execute-api:Invoke"], resource_arns=[self.invoke_arn]
        )
