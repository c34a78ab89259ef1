"""An HTTP API of API Gateway before the functions: the cheaper and faster kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_iam as iam
from aws_cdk.aws_apigatewayv2_authorizers import HttpIamAuthorizer, HttpJwtAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.checks.nag import accept
from infra.constructs.access_log import access_log_format, access_log_group
from infra.constructs.routes import GREEDY, model_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_lambda as lambda_
    from cdk_monitoring_constructs import MonitoringFacade

    from infra.constructs.model_function import ModelFunction
    from infra.stage import Stage

CORS_METHODS = [apigatewayv2.CorsHttpMethod.GET, apigatewayv2.CorsHttpMethod.POST]
CORS_HEADERS = ["authorization", "content-type", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"]
CORS_EXPOSED = ["retry-after", "x-model-version", "x-request-id"]
"""What a page of another origin may send, and read of an answer."""


class HttpInferenceApi(Construct):
    """The API as an HTTP API, payload format 2.0; the least that it speaks is TLS 1.2.

    url: without a slash at the end. invoke_arn: what a caller needs `execute-api:Invoke` for. metric_4xx, metric_5xx:
    1 for each answer of that class, 0 for each other.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        models: Sequence[ModelFunction],
        index: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, construct_id)
        self.api = apigatewayv2.HttpApi(
            self,
            "Api",
            api_name=stage.prefix,
            create_default_stage=False,
            default_authorizer=_authorizer(stage),
            cors_preflight=_cors(stage),
        )
        self.url = self.api.api_endpoint
        self.invoke_arn = self.api.arn_for_execute_api(stage="$default")
        self.metric_4xx = self.api.metric_client_error()
        self.metric_5xx = self.api.metric_server_error()
        paths = [path for model in models for path in self._add_model(model)]
        rest = self._add_index(index)
        if stage.cors_origins:
            self._add_preflight([*paths, f"/{GREEDY}"], rest)
        if stage.auth == "none":
            accept(self, "APIG4", "infra/stage.py says auth='none': this stage is open to the world on purpose.")
        self._deploy(stage)

    def monitor(self, facade: MonitoringFacade) -> None:
        """Put the API on the dashboard."""
        facade.monitor_api_gateway_v2_http_api(api=self.api, human_readable_name="API", alarm_friendly_name="API")

    def _add_model(self, model: ModelFunction) -> list[str]:
        # One permission for each function, not for each route: a stack has 500 resources at the most.
        integration = HttpLambdaIntegration(model.name, model.alias, scope_permission_to_route=False)
        paths = model_paths(model.name)
        for path in paths:
            self.api.add_routes(path=path, integration=integration)
        return paths

    def _add_index(self, index: lambda_.IFunction) -> HttpLambdaIntegration:
        """What is no model's goes to the index. Its permission is of another shape: `$default` stands for no path."""
        integration = HttpLambdaIntegration("models-index", index, scope_permission_to_route=False)
        apigatewayv2.HttpRoute(
            self,
            "DefaultRoute",
            http_api=self.api,
            route_key=apigatewayv2.HttpRouteKey.DEFAULT,
            integration=integration,
        )
        index.add_permission(
            "DefaultPermission",
            scope=self,
            principal=iam.ServicePrincipal("apigateway.amazonaws.com"),
            source_arn=Stack.of(self).format_arn(
                service="execute-api", resource=self.api.api_id, resource_name="$default/$default"
            ),
        )
        return integration

    def _add_preflight(self, paths: list[str], integration: HttpLambdaIntegration) -> None:
        """Let preflights past the authorizer, which an ANY or a $default route would ask first.

        Source: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html, "Configuring CORS for an HTTP
        API with a $default route and an authorizer"; a route has an integration, though the gateway answers.
        """
        for path in paths:
            routes = self.api.add_routes(
                path=path,
                methods=[apigatewayv2.HttpMethod.OPTIONS],
                integration=integration,
                authorizer=apigatewayv2.HttpNoneAuthorizer(),
            )
            accept(routes[0], "APIG4", "A browser's preflight has no credentials; it reaches no model.")

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


def _authorizer(stage: Stage) -> apigatewayv2.IHttpRouteAuthorizer:
    if stage.auth == "iam":
        return HttpIamAuthorizer()
    if stage.auth == "jwt":
        return HttpJwtAuthorizer("Jwt", str(stage.jwt_issuer), jwt_audience=list(stage.jwt_audience))
    return apigatewayv2.HttpNoneAuthorizer()


def _cors(stage: Stage) -> apigatewayv2.CorsPreflightOptions | None:
    if not stage.cors_origins:
        return None
    return apigatewayv2.CorsPreflightOptions(
        allow_origins=list(stage.cors_origins),
        allow_methods=CORS_METHODS,
        allow_headers=CORS_HEADERS,
        expose_headers=CORS_EXPOSED,
        max_age=Duration.minutes(10),
    )
