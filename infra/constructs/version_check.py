"""Whether a new version of a model answers, asked before any traffic reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import Duration, Stack, triggers
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.platform_function import PlatformFunction
from infra.discovery import check_name
from infra.nag import accept, accept_resource

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_

    from infra.discovery import Deployable
    from infra.stage import Stage

MARGIN_S = 30
"""What the check has beyond the model's timeout: Lambda fetches a new image and initialises it within that call."""

TRIGGER_PROVIDER = "AWSCDK.TriggerCustomResourceProviderCustomResourceProvider"
"""Where in a stack CDK keeps the function behind all its triggers."""


class VersionCheck(Construct):
    """The check function of one model, which sends a version the model's infer.json, and its trigger.

    function: what CodeDeploy asks too. versions: the ARN of the model function, any version of it. The version's ARN is
    in the check's configuration, so that a new version makes a new version of the check, and CDK triggers that one.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        model: Deployable,
        version: lambda_.Version,
        versions: str,
        layer: lambda_.LayerVersion,
    ) -> None:
        super().__init__(scope, construct_id)
        event = model.event.relative_to(model.root).as_posix()
        timeout_s = model.spec.resources.timeout_s + MARGIN_S
        self.function = PlatformFunction(
            self,
            "Platform",
            stage=stage,
            root=model.root,
            folder="release_check",
            layer=layer,
            function_name=stage.function_name(check_name(model.name)),
            environment={"CHECK_FUNCTION": version.function_arn, "CHECK_EVENT": event},
            extra_files=[event],
            timeout_s=timeout_s,
        ).function
        role = cast("iam.Role", self.function.role)
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[versions]))
        reason = "Versions of one function: Lambda numbers them, and a roll-back asks for older ones."
        accept_resource(role, versions, reason)
        self.trigger = triggers.Trigger(self, "Trigger", handler=self.function, timeout=Duration.seconds(timeout_s))
        provider = Stack.of(self).node.find_child(TRIGGER_PROVIDER)
        accept(provider, "IAM4", "CDK's own function behind triggers; the policy lets it write its log.")
        accept(provider, "IAM5", "CDK's own function behind triggers: it may invoke the versions of the checks.")
