"""The API as an HTTP API of API Gateway: the cheaper and faster kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.checks.nag import accept
from infra.constructs.gateway.access_log import access_log_format, access_log_group
from infra.constructs.gateway.api_reference import ApiReference
from infra.constructs.gateway.model_routes import AUTHORIZATION, add_preflight
from infra.constructs.gateway.routes import GREEDY, batch_paths

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from cdk_monitoring_constructs import MonitoringFacade

    from infra.stage import Stage

CORS_METHODS = [apigatewayv2.CorsHttpMethod.GET, apigatewayv2.CorsHttpMethod.POST]
CORS_HEADERS = ["authorization", "content-type", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"]
CORS_EXPOSED = ["retry-after", "x-model-version", "x-request-id"]
"""CORS: what pages of other origins may send, and the response headers that they may read."""
BATCH_METHODS = [apigatewayv2.CorsHttpMethod.DELETE]
BATCH_HEADERS = ["idempotency-key"]
BATCH_EXPOSED = ["location", "x-model-generation", "x-model-prediction"]
"""The same of batches and jobs, if a model has them."""


class HttpInferenceApi(Construct):
    """The API as an HTTP API, payload format 2.0, TLS 1.2 or later.

    The models' routes are in their own stacks, which get the API's IDs from `reference`. batches: the function for the
    routes of batches and jobs of all models, if a model has them. url: without a trailing slash.
    invoke_arn: the resource of a caller's `execute-api:Invoke` permission. metric_4xx, metric_5xx: 1 for each response
    of that class, 0 for every other.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        index: lambda_.IFunction,
        batches: lambda_.IFunction | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.api = apigatewayv2.HttpApi(
            self,
            "Api",
            api_name=stage.prefix,
            create_default_stage=False,
            cors_preflight=_cors(stage, has_batches=batches is not None),
        )
        self.url = self.api.api_endpoint
        self.invoke_arn = self.api.arn_for_execute_api(stage="$default")
        self.metric_4xx = self.api.metric_client_error()
        self.metric_5xx = self.api.metric_server_error()
        authorizer = self._jwt(stage) if stage.auth == "jwt" else None
        integration = self._add_index(stage, index, authorizer)
        if stage.cors_origins:
            add_preflight(self, "Preflight", f"/{GREEDY}", self.api.api_id, integration)
        if batches is not None:
            self._add_batches(stage, batches, authorizer, integration if stage.cors_origins else None)
        self.reference = ApiReference(
            self.api.api_id, self.url, authorizer, integration if stage.cors_origins else None
        )
        if stage.auth == "none":
            accept(self, "APIG4", "infra/stage.py has auth='none': this stage is public on purpose.")
        self._deploy(stage)

    def monitor(self, facade: MonitoringFacade) -> None:
        """Add the API to the dashboard."""
        facade.monitor_api_gateway_v2_http_api(api=self.api, human_readable_name="API", alarm_friendly_name="API")

    def _jwt(self, stage: Stage) -> str:
        """Create the JWT authorizer that the routes of all stacks share, and return its ID."""
        return apigatewayv2.CfnAuthorizer(
            self,
            "Jwt",
            api_id=self.api.api_id,
            name="Jwt",
            authorizer_type="JWT",
            identity_source=["$request.header.Authorization"],
            jwt_configuration=apigatewayv2.CfnAuthorizer.JWTConfigurationProperty(
                issuer=stage.jwt_issuer, audience=list(stage.jwt_audience)
            ),
        ).ref

    def _add_index(self, stage: Stage, index: lambda_.IFunction, authorizer: str | None) -> str:
        """Send requests that match no model to the index, and return the integration's ID.

        It needs two permissions: the source ARN of `$default` has a different form from that of a path, such as a
        preflight route's.
        """
        integration = apigatewayv2.CfnIntegration(
            self,
            "Index",
            api_id=self.api.api_id,
            integration_type="AWS_PROXY",
            integration_uri=index.function_arn,
            payload_format_version="2.0",
        ).ref
        apigatewayv2.CfnRoute(
            self,
            "DefaultRoute",
            api_id=self.api.api_id,
            route_key="$default",
            target=f"integrations/{integration}",
            authorization_type=AUTHORIZATION[stage.auth],
            authorizer_id=authorizer,
        )
        for name, path in {"Default": "$default/$default", "Paths": "*/*/*"}.items():
            index.add_permission(
                f"{name}Permission",
                scope=self,
                principal=iam.ServicePrincipal("apigateway.amazonaws.com"),
                source_arn=Stack.of(self).format_arn(
                    service="execute-api", resource=self.api.api_id, resource_name=path
                ),
            )
        return integration

    def _add_batches(
        self, stage: Stage, batches: lambda_.IFunction, authorizer: str | None, preflight: str | None
    ) -> None:
        """Send the paths of batches and jobs to their function. preflight: the integration of preflight routes."""
        integration = apigatewayv2.CfnIntegration(
            self,
            "Batches",
            api_id=self.api.api_id,
            integration_type="AWS_PROXY",
            integration_uri=batches.function_arn,
            payload_format_version="2.0",
        ).ref
        for number, path in enumerate(batch_paths()):
            apigatewayv2.CfnRoute(
                self,
                f"BatchRoute{number}",
                api_id=self.api.api_id,
                route_key=f"ANY {path}",
                target=f"integrations/{integration}",
                authorization_type=AUTHORIZATION[stage.auth],
                authorizer_id=authorizer,
            )
            if preflight is not None:
                add_preflight(self, f"BatchPreflight{number}", path, self.api.api_id, preflight)
        batches.add_permission(
            "BatchesPermission",
            scope=self,
            principal=iam.ServicePrincipal("apigateway.amazonaws.com"),
            source_arn=Stack.of(self).format_arn(
                service="execute-api", resource=self.api.api_id, resource_name="*/*/*"
            ),
        )

    def _deploy(self, stage: Stage) -> None:
        deployed = apigatewayv2.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigatewayv2.ThrottleSettings(rate_limit=stage.throttle_rate, burst_limit=stage.throttle_burst),
        )
        resource = cast("apigatewayv2.CfnStage", deployed.node.default_child)
        resource.access_log_settings = apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=access_log_group(self, stage).log_group_arn,
            format=access_log_format(stage, route="$context.routeKey"),
        )


def _cors(stage: Stage, *, has_batches: bool) -> apigatewayv2.CorsPreflightOptions | None:
    if not stage.cors_origins:
        return None
    return apigatewayv2.CorsPreflightOptions(
        allow_origins=list(stage.cors_origins),
        allow_methods=[*CORS_METHODS, *(BATCH_METHODS if has_batches else ())],
        allow_headers=[*CORS_HEADERS, *(BATCH_HEADERS if has_batches else ())],
        expose_headers=[*CORS_EXPOSED, *(BATCH_EXPOSED if has_batches else ())],
        max_age=Duration.minutes(10),
    )
