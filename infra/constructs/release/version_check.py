"""The check of a model's new version, before the version gets any traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import Duration, Stack, triggers
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.checks.nag import accept, accept_resource
from infra.constructs.platform.platform_function import PlatformFunction
from infra.discovery import check_name

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_

    from infra.discovery import Deployable
    from infra.stage import Stage

TIMEOUT_S = 14 * 60 + 15
"""The check's own timeout: it waits 14 minutes for a version that Lambda is still preparing, and then reports that."""

TRIGGER_S = TIMEOUT_S + 15
"""How long CDK's trigger waits for the check; the trigger's function has Lambda's maximum of 15 minutes."""

GATEWAY_S = {"http": 30, "rest": 29}
"""How long each kind of API Gateway waits for a function.

Sources: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html and
…/api-gateway-execution-service-limits-table.html.
"""

TRIGGER_PROVIDER = "AWSCDK.TriggerCustomResourceProviderCustomResourceProvider"
"""The path in a stack of the function that runs all of CDK's triggers."""


class VersionCheck(Construct):
    """A model's check function, which invokes a version with the model's infer.json, and its trigger.

    function: the check, which CodeDeploy invokes too. function_arn: the ARN of the model function. alias: the alias
    that will point to the version. The version's ARN is in the check's configuration, so that a new version creates a
    new version of the check, which CDK then triggers.
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
        reason = "The versions of one function: Lambda numbers them, and a roll-back checks older ones."
        accept_resource(role, versions, reason)
        self.trigger = triggers.Trigger(self, "Trigger", handler=self.function, timeout=Duration.seconds(TRIGGER_S))
        provider = Stack.of(self).node.find_child(TRIGGER_PROVIDER)
        accept(provider, "IAM4", "The CDK's own function for triggers; the policy lets it write its log.")
        accept(provider, "IAM5", "The CDK's own function for triggers: it may invoke the versions of the checks.")
