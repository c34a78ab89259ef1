"""How many resources a stack may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnResource

from infra.errors import SynthError

if TYPE_CHECKING:
    from aws_cdk import Stack

RESOURCE_LIMIT = 500
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""


def count(stack: Stack) -> int:
    """The resources of a stack."""
    return sum(CfnResource.is_cfn_resource(each) for each in stack.node.find_all())


def validate(stack: Stack, made_by: str, remedy: str) -> None:
    """Raise SynthError, one line, for a stack above what CloudFormation takes. made_by: what asks for so much."""
    found = count(stack)
    if found > RESOURCE_LIMIT:
        raise SynthError(
            f"{made_by} make {found} resources in the stack {stack.stack_name}, and CloudFormation takes "
            f"{RESOURCE_LIMIT} in one: {remedy}"
        )
