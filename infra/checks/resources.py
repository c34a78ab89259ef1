"""Limits on the number of resources in a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnResource

from infra.errors import SynthError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_cdk import Stack

    from infra.stage import Stage

RESOURCE_LIMIT = 500
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""


def count(stack: Stack) -> int:
    """Return the number of resources in a stack."""
    return sum(CfnResource.is_cfn_resource(each) for each in stack.node.find_all())


def validate_shared(stacks: Iterable[Stack], stage: Stage, models: int) -> None:
    """Raise SynthError if the project has too many models for a stack that all models share."""
    remedy = "move some models to another project"
    if stage.api == "rest":
        remedy = f"the stack of a REST API has the methods of all models: set api='http' in infra/stage.py, or {remedy}"
    for stack in stacks:
        validate(stack, f"functions/: {models} models", remedy)


def validate(stack: Stack, made_by: str, remedy: str) -> None:
    """Raise SynthError, one line, if a stack exceeds CloudFormation's limit. made_by: what creates the resources."""
    number = count(stack)
    if number > RESOURCE_LIMIT:
        raise SynthError(
            f"{made_by} need {number} resources in the stack {stack.stack_name}, above CloudFormation's limit of "
            f"{RESOURCE_LIMIT}: {remedy}"
        )
