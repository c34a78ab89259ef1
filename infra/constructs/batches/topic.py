"""The topic of a stage that tells when a batch has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.discovery import BATCHES

if TYPE_CHECKING:
    from infra.stage import Stage


def topic_arn(scope: Construct, stage: Stage) -> str:
    """Return the topic's ARN, for stacks that do not create it."""
    return Stack.of(scope).format_arn(service="sns", resource=stage.function_name(BATCHES))


class BatchTopic(Construct):
    """An encrypted topic that accepts only TLS; the workers of all models publish to it.

    Messages have the attributes `model`, `state` and `id`, by which a subscription can filter.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(
            self,
            "Topic",
            topic_name=stage.function_name(BATCHES),
            # AWS's own key is enough here: it lets every role of the account that may publish use it.
            master_key=kms.Alias.from_alias_name(self, "Key", "alias/aws/sns"),
            enforce_ssl=True,
        )
