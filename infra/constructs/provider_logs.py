"""The logs of functions that the CDK adds by itself, behind its custom resources: else they are kept for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from infra.constructs.log_group import log_group

if TYPE_CHECKING:
    from aws_cdk import CfnResource, Stack
    from constructs import Construct

    from infra.stage import Stage

MARK = "aws:cdk:is-custom-resource-handler-customResourceProvider"
"""How the CDK marks such a function's construct; its own CustomResourceConfig passes over this kind."""

HANDLER = "Handler"


def keep_provider_logs(stack: Stack, stage: Stage) -> None:
    """Give each such function of the stack a log of its own, kept as long as the stage says."""
    for construct in stack.node.children:
        if any(entry.type == MARK for entry in construct.node.metadata):
            function = cast("CfnResource", construct.node.find_child(HANDLER))
            # No model's function can have a slash in its name.
            group = log_group(cast("Construct", construct), stage, f"{stage.function_name('cdk')}/{construct.node.id}")
            function.add_property_override("LoggingConfig", {"LogGroup": group.log_group_name})
