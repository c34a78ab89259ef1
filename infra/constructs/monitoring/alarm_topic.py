"""The target of alarms: one topic per stage, with an email subscription."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

if TYPE_CHECKING:
    from infra.stage import Stage


def topic_name(stage: Stage) -> str:
    """Return the name of a stage's topic."""
    return f"{stage.prefix}-alarms"


def topic_arn(scope: Construct, stage: Stage) -> str:
    """Return the topic's ARN, for stacks that do not create it."""
    return Stack.of(scope).format_arn(service="sns", resource=topic_name(stage))


class AlarmTopic(Construct):
    """An encrypted topic that accepts only TLS, and messages only from this account's alarms.

    It has its own key because CloudWatch cannot use the AWS managed key for SNS.
    Source: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        key = kms.Key(
            self,
            "Key",
            description=f"Alarms of {stage.prefix}",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
            pending_window=Duration.days(7),
        )
        self.topic = sns.Topic(self, "Topic", topic_name=topic_name(stage), master_key=key, enforce_ssl=True)
        cloudwatch = iam.ServicePrincipal("cloudwatch.amazonaws.com")
        own = {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CloudWatchEncrypts",
                principals=[cloudwatch],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],  # in a key policy, "*" means this key
                conditions=own,
            )
        )
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CloudWatchPublishes",
                principals=[cloudwatch],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=own,
            )
        )
        if stage.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(stage.alarm_email))
