"""The log groups of the CDK's own functions, which run its custom resources; otherwise their logs never expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from infra.constructs.platform.log_group import log_group

if TYPE_CHECKING:
    from aws_cdk import CfnResource, Stack
    from constructs import Construct

    from infra.stage import Stage

MARK = "aws:cdk:is-custom-resource-handler-customResourceProvider"
"""The CDK's mark on such a function's construct; its own CustomResourceConfig does not cover this kind."""

HANDLER = "Handler"


def keep_provider_logs(stack: Stack, stage: Stage) -> None:
    """Give each such function of the stack its own log group, with the stage's retention."""
    for construct in stack.node.children:
        if any(entry.type == MARK for entry in construct.node.metadata):
            function = cast("CfnResource", construct.node.find_child(HANDLER))
            # No model's function name can contain a slash.
            group = log_group(cast("Construct", construct), stage, f"{stage.function_name('cdk')}/{construct.node.id}")
            function.add_property_override("LoggingConfig", {"LogGroup": group.log_group_name})
