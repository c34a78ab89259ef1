"""Whether a new version of a model answers, asked before any traffic reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import Duration, Stack, triggers
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.checks.nag import accept, accept_resource
from infra.constructs.platform_function import PlatformFunction
from infra.discovery import check_name

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_

    from infra.discovery import Deployable
    from infra.stage import Stage

TIMEOUT_S = 14 * 60 + 15
"""The check's own timeout: it waits 14 minutes for a version that Lambda is still preparing, and then says so."""

TRIGGER_S = TIMEOUT_S + 15
"""How long CDK's trigger waits for the check; the function behind it has Lambda's 15 minutes."""

GATEWAY_S = {"http": 30, "rest": 29}
"""How long each kind of API Gateway waits for a function.

Sources: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html and
…/api-gateway-execution-service-limits-table.html.
"""

TRIGGER_PROVIDER = "AWSCDK.TriggerCustomResourceProviderCustomResourceProvider"
"""Where in a stack CDK keeps the function behind all its triggers."""


class VersionCheck(Construct):
    """The check function of one model, which sends a version the model's infer.json, and its trigger.

    function: what CodeDeploy asks too. function_arn: of the model function. alias: which will point at the version. The
    version's ARN is in the check's configuration, so that a new version makes a new version of the check, and CDK
    triggers that one.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        model: Deployable,
        version: lambda_.Version,
        function_arn: str,
        alias: str,
        layer: lambda_.LayerVersion,
    ) -> None:
        super().__init__(scope, construct_id)
        event = model.event.relative_to(model.root).as_posix()
        self.function = PlatformFunction(
            self,
            "Platform",
            stage=stage,
            root=model.root,
            folder="release_check",
            layer=layer,
            function_name=stage.function_name(check_name(model.name)),
            environment={
                "CHECK_FUNCTION": version.function_arn,
                "CHECK_EVENT": event,
                "CHECK_ALIAS": alias,
                "CHECK_GATEWAY_S": str(GATEWAY_S[stage.api]),
                "CHECK_PROVISIONED": str(model.spec.scaling.provisioned),
            },
            extra_files=[event],
            timeout_s=TIMEOUT_S,
        ).function
        role = cast("iam.Role", self.function.role)
        versions = f"{function_arn}:*"
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[versions]))
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:GetAlias"], resources=[function_arn, versions]))
        reason = "Versions of one function: Lambda numbers them, and a roll-back asks for older ones."
        accept_resource(role, versions, reason)
        self.trigger = triggers.Trigger(self, "Trigger", handler=self.function, timeout=Duration.seconds(TRIGGER_S))
        provider = Stack.of(self).node.find_child(TRIGGER_PROVIDER)
        accept(provider, "IAM4", "CDK's own function behind triggers; the policy lets it write its log.")
        accept(provider, "IAM5", "CDK's own function behind triggers: it may invoke the versions of the checks.")
