"""The API as a REST API of API Gateway: for API keys, Cognito user pools and the web firewall."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import ArnFormat, CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.checks.nag import accept
from infra.constructs.gateway.access_log import access_log_format, access_log_group
from infra.constructs.gateway.api_reference import ApiReference
from infra.constructs.gateway.firewall import Firewall
from infra.constructs.gateway.routes import index_paths, model_paths, rest_batch_paths
from infra.constructs.release.release import ALIAS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_lambda as lambda_
    from cdk_monitoring_constructs import MonitoringFacade

    from infra.stage import Stage

TLS = "SecurityPolicy_TLS13_1_2_2021_06"
"""TLS 1.3, and 1.2 for older clients; without a policy, a REST API accepts TLS 1.0 too.

Source: docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies.html.
"""


LOGS_ROLE = "AmazonAPIGatewayPushToCloudWatchLogs"


class RestInferenceApi(Construct):
    """The API as a REST API, payload format 1.0, bodies as text.

    All of its methods are here, because they are deployed together. It names the models' functions by their ARNs; their
    stacks get the API's IDs from `reference`, and grant it access. models: the models' names. workers: those of models
    with batches or jobs, which `batches` answers. url: without a trailing slash. invoke_arn: the resource of a caller's
    `execute-api:Invoke` permission. metric_4xx, metric_5xx: 1 for each response of that class, 0 for every other.
    firewall: the API's firewall, if the stage has one.
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
        self.api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=stage.prefix,
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            # An account has one role for the logs of all its REST APIs; it is kept when this API is deleted.
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN,
            default_method_options=self._method_options(stage),
            deploy_options=self._stage_options(stage),
        )
        self.api.node.try_remove_child("Endpoint")  # an output with the same value as `url`
        resource = cast("apigateway.CfnRestApi", self.api.node.default_child)
        resource.security_policy, resource.endpoint_access_mode = TLS, "STRICT"
        for model in models:
            self._route(model_paths(model), self._live_alias(stage, model))
        # One permission for each function, not for each method: a stack has at most 500 resources.
        self._route(index_paths(), apigateway.LambdaIntegration(index, scope_permission_to_method=False))
        if batches is not None:
            integration = apigateway.LambdaIntegration(batches, scope_permission_to_method=False)
            self._route(rest_batch_paths(workers), integration)
        arn = self.api.deployment_stage.stage_arn
        self.firewall = Firewall(self, "Firewall", stage=stage, resource_arn=arn) if stage.waf else None
        if stage.auth == "api_key":
            self._add_keys(stage)
        self.url = self.api.url_for_path().removesuffix("/")
        self.invoke_arn = self.api.arn_for_execute_api(stage=stage.name)
        self.metric_4xx = self.api.metric_client_error()
        self.metric_5xx = self.api.metric_server_error()
        self.reference = ApiReference(self.api.rest_api_id, self.url)
        self._accept_findings(stage)

    def monitor(self, facade: MonitoringFacade) -> None:
        """Add the API and its firewall to the dashboard."""
        facade.monitor_api_gateway(api=self.api, human_readable_name="API", alarm_friendly_name="API")
        if self.firewall is not None:
            facade.monitor_web_application_firewall_acl_v2(
                acl=self.firewall.acl, region=Stack.of(self).region, human_readable_name="Firewall"
            )

    def _live_alias(self, stage: Stage, model: str) -> apigateway.Integration:
        """Return an integration with a model's live alias, which need not exist yet."""
        arn = Stack.of(self).format_arn(
            service="lambda",
            resource="function",
            resource_name=f"{stage.function_name(model)}:{ALIAS}",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        return apigateway.AwsIntegration(service="lambda", path=f"2015-03-31/functions/{arn}/invocations", proxy=True)

    def _route(self, paths: Sequence[str], integration: apigateway.Integration) -> None:
        for path in paths:
            self.api.root.resource_for_path(path).add_method("ANY", integration)

    def _method_options(self, stage: Stage) -> apigateway.MethodOptions:
        kinds = apigateway.AuthorizationType
        if stage.auth == "cognito":
            pool = cognito.UserPool.from_user_pool_arn(self, "UserPool", str(stage.cognito_user_pool_arn))
            authorizer = apigateway.CognitoUserPoolsAuthorizer(self, "Authorizer", cognito_user_pools=[pool])
            return apigateway.MethodOptions(authorization_type=kinds.COGNITO, authorizer=authorizer)
        return apigateway.MethodOptions(
            authorization_type=kinds.IAM if stage.auth == "iam" else kinds.NONE,
            api_key_required=stage.auth == "api_key" or None,
        )

    def _stage_options(self, stage: Stage) -> apigateway.StageOptions:
        line = access_log_format(
            stage,
            route="$context.resourcePath",
            authorizer_status="$context.authorize.status",
            firewall="$context.waf.status",
        )
        return apigateway.StageOptions(
            stage_name=stage.name,
            throttling_rate_limit=stage.throttle_rate,
            throttling_burst_limit=stage.throttle_burst,
            tracing_enabled=stage.tracing,
            access_log_destination=apigateway.LogGroupLogDestination(access_log_group(self, stage)),
            access_log_format=apigateway.AccessLogFormat.custom(line),
        )

    def _add_keys(self, stage: Stage) -> None:
        """Create a usage plan and a first key. AWS chooses the key's value; `aws apigateway get-api-key` shows it."""
        throttle = apigateway.ThrottleSettings(rate_limit=stage.throttle_rate, burst_limit=stage.throttle_burst)
        quota = None
        if stage.monthly_quota is not None:
            quota = apigateway.QuotaSettings(limit=stage.monthly_quota, period=apigateway.Period.MONTH)
        plan = self.api.add_usage_plan(
            "Plan",
            name=stage.prefix,
            throttle=throttle,
            quota=quota,
            api_stages=[apigateway.UsagePlanPerApiStage(api=self.api, stage=self.api.deployment_stage)],
        )
        key = self.api.add_api_key("Key")
        plan.add_api_key(key)
        CfnOutput(Stack.of(self), "ApiKeyId", value=key.key_id)

    def _accept_findings(self, stage: Stage) -> None:
        accept(
            self.api,
            "APIG2",
            "Each model validates its requests against its contract, and names the row and the field.",
        )
        accept(self.api, "APIG6", "The access log has the gateway's errors; execution logs would contain headers too.")
        accept(
            self.api,
            f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/{LOGS_ROLE}]",
            "The policy that API Gateway's documentation requires; it only allows writing logs.",
        )
        if self.firewall is None:
            accept(self.api, "APIG3", "infra/stage.py has waf=False for this stage.")
        if stage.auth != "cognito":
            accept(self.api, "COG4", f"infra/stage.py has auth={stage.auth!r} for this stage, without a user pool.")
        if stage.auth == "api_key":
            accept(
                self.api, "APIG4", "infra/stage.py has auth='api_key': every method requires a key of the usage plan."
            )
        elif stage.auth == "none":
            accept(self.api, "APIG4", "infra/stage.py has auth='none': this stage is public on purpose.")
