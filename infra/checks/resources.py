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
    remedy = "move some of the models to a project of their own"
    if stage.api == "rest":
        remedy = f"a REST API has the methods of all its models: give api='http' in infra/stage.py, or {remedy}"
    for stack in stacks:
        validate(stack, f"functions/: {models} models", remedy)


def validate(stack: Stack, made_by: str, remedy: str) -> None:
    """Raise SynthError, one line, if a stack exceeds CloudFormation's limit. made_by: what creates the resources."""
    found = count(stack)
    if found > RESOURCE_LIMIT:
        raise SynthError(
            f"{made_by} make {found} resources in the stack {stack.stack_name}, and CloudFormation takes "
            f"{RESOURCE_LIMIT} in one: {remedy}"
        )
