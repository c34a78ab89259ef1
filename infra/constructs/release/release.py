"""The release of a new version: it is checked before the alias moves, and alarms roll it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.checks.nag import accept_resource
from infra.constructs.release.alarms import model_alarms
from infra.constructs.release.version_check import VersionCheck
from infra.constructs.release.warmth import keep_warm

if TYPE_CHECKING:
    from infra.discovery import Deployable
    from infra.stage import Stage

ALIAS = "live"


class Release(Construct):
    """The release of one model.

    On every deployment with a new version, the model's check function invokes that version with its infer.json. The
    alias moves only after a valid response: a bad version fails the CloudFormation deployment. CodeDeploy runs the
    check again before it shifts traffic in the steps of the stage's `canary`, and rolls back if an alarm is raised.

    alias: `live`. alarms: the alarms that roll a release back, and the model's others.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        model: Deployable,
        version: lambda_.Version,
        layer: lambda_.LayerVersion,
    ) -> None:
        super().__init__(scope, construct_id)
        scaling = model.spec.scaling
        name = stage.function_name(model.name)
        # The ARN is built from names, not references, so that the alias's dependencies can refer to the function and
        # its alias.
        arn = Stack.of(self).format_arn(
            service="lambda", resource="function", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        self.alias = lambda_.Alias(
            self,
            "Live",
            alias_name=ALIAS,
            version=version,
            provisioned_concurrent_executions=scaling.provisioned or None,
        )
        keep_warm(self.alias, scaling)
        alarms = model_alarms(self, stage=stage, model=model, alias=self.alias, version=version)
        self.alarms = [*alarms.release, alarms.throttles]
        check = VersionCheck(
            self, "Check", stage=stage, model=model, version=version, function_arn=arn, alias=ALIAS, layer=layer
        )
        check.trigger.execute_before(self.alias)
        role = self._codedeploy_role(arn, check.function)
        codedeploy.LambdaDeploymentGroup(
            self,
            "Group",
            application=codedeploy.LambdaApplication(self, "Application", application_name=name),
            deployment_group_name=ALIAS,
            deployment_config=codedeploy.LambdaDeploymentConfig.from_lambda_deployment_config_name(
                self, "Steps", f"CodeDeployDefault.Lambda{stage.canary}"
            ),
            alias=self.alias,
            alarms=alarms.release,
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
            role=role.without_policy_updates(),
            pre_hook=check.function,
        )
        # Nothing else makes CloudFormation wait for the permissions before CodeDeploy uses them.
        self.alias.node.add_dependency(role)

    def _codedeploy_role(self, arn: str, check: lambda_.IFunction) -> iam.Role:
        """Create the role that CodeDeploy moves the alias with.

        It is AWSCodeDeployRoleForLambdaLimited for one function, without the access to buckets, which only revisions in
        S3 need.
        """
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"),
            description=f"CodeDeploy's role for the alias of {arn.rpartition(':')[2]}",
        )
        versions = f"{arn}:*"
        alarms = Stack.of(self).format_arn(
            service="cloudwatch", resource="alarm", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        for actions, resources in (
            (["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"], [arn, versions]),
            (["cloudwatch:DescribeAlarms"], [alarms]),
            (["lambda:InvokeFunction"], [check.function_arn]),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        accept_resource(
            role, alarms, "CodeDeploy reads its alarms with a list request, which needs access to all alarms."
        )
        accept_resource(role, versions, "The alias and the versions of this one function; Lambda numbers the versions.")
        return role
