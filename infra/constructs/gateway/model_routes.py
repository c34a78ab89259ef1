"""The connection of the API to a model: its routes in an HTTP API, and the permission to invoke its live alias."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.checks.nag import accept
from infra.constructs.gateway.routes import model_paths

if TYPE_CHECKING:
    from infra.constructs.gateway.api_reference import ApiReference
    from infra.constructs.model.model_function import ModelFunction
    from infra.stage import Stage

AUTHORIZATION = {"iam": "AWS_IAM", "jwt": "JWT", "none": "NONE"}
"""API Gateway's names for the values of `auth`."""


class ModelRoutes(Construct):
    """One model behind the API.

    It adds the routes of an HTTP API. The routes of a REST API are in the API's own stack, which names the function by
    its ARN, because changing them needs a new deployment of the whole API.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, model: ModelFunction, api: ApiReference
    ) -> None:
        super().__init__(scope, construct_id)
        if stage.api == "http":
            self._add_routes(stage, model, api)
        # One permission covers all routes of the model.
        model.alias.add_permission(
            f"{construct_id}Permission",
            scope=self,
            principal=iam.ServicePrincipal("apigateway.amazonaws.com"),
            source_arn=Stack.of(self).format_arn(service="execute-api", resource=api.api_id, resource_name="*/*/*"),
        )

    def _add_routes(self, stage: Stage, model: ModelFunction, api: ApiReference) -> None:
        integration = apigatewayv2.CfnIntegration(
            self,
            "Integration",
            api_id=api.api_id,
            integration_type="AWS_PROXY",
            integration_uri=model.alias.function_arn,
            payload_format_version="2.0",
        )
        for number, path in enumerate(model_paths(model.name)):
            route = apigatewayv2.CfnRoute(
                self,
                f"Route{number}",
                api_id=api.api_id,
                route_key=f"ANY {path}",
                target=f"integrations/{integration.ref}",
                authorization_type=AUTHORIZATION[stage.auth],
                authorizer_id=api.authorizer_id,
            )
            if stage.auth == "none":
                accept(route, "APIG4", "infra/stage.py has auth='none': this stage is public on purpose.")
            if api.preflight_id is not None:
                add_preflight(self, f"Preflight{number}", path, api.api_id, api.preflight_id)


def add_preflight(scope: Construct, construct_id: str, path: str, api_id: str, integration_id: str) -> None:
    """Add a route for a path's preflight requests, which an ANY or $default route would send to the authorizer.

    Each path needs its own route. An HTTP API prefers a full match to a greedy one, and `ANY` includes OPTIONS: a
    single `OPTIONS /{proxy+}` would take precedence over $default only. The route has an integration, although API
    Gateway itself answers.

    Sources: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html, "Routing API requests",
    and …/http-api-cors.html, "Configuring CORS for an HTTP API with a $default route and an authorizer".
    """
    route = apigatewayv2.CfnRoute(
        scope,
        construct_id,
        api_id=api_id,
        route_key=f"OPTIONS {path}",
        target=f"integrations/{integration_id}",
        authorization_type="NONE",
    )
    accept(route, "APIG4", "A browser's preflight request has no credentials, and reaches no model.")
