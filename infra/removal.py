"""A CDK app for `cdk destroy`, `python -m infra.removal`: a stack, by name only, for each stack that is deployed.

The CDK cannot remove a stack that is in no synthesized app, such as the stack of a model that the project no longer
has. Context: `project`, `stage`, and `model`, which selects one model; without it, all stacks that serve are removed.
The storage stack is never removed.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import boto3
from aws_cdk import App, CfnWaitConditionHandle, Environment, Stack
from botocore.exceptions import BotoCoreError, ClientError

from infra.checks.deployed import aws_failed, deployed
from infra.errors import SynthError
from infra.stage import PROJECT, Stage, find_stage
from modelet.errors import ModeletError

if TYPE_CHECKING:
    from collections.abc import Collection

    from infra.checks.deployed import Deployed


def select(stacks: Collection[Deployed], stage: Stage, model: str | None) -> list[Deployed]:
    """Return the stacks to remove: one model's, or all that serve. Raises SynthError if there are none."""
    own = [each for each in stacks if each.belongs_to(stage) and each.name != stage.stack_name("storage")]
    if model is not None:
        known = sorted(each.model for each in own if each.model is not None)
        own = [each for each in own if each.model == model]
        if not own:
            remedy = f"choose one of {', '.join(known)}" if known else "there is nothing to remove"
            raise SynthError(f"{stage.prefix} has no deployed model {model}: {remedy}")
    if not own:
        raise SynthError(f"{stage.prefix} has no deployed API or model: there is nothing to remove")
    return own


def assemble(app: App, stacks: Collection[Deployed], stage: Stage) -> None:
    """Add the stacks to the app. Models are removed before the API, and do not wait for each other."""
    environment = Environment(account=stage.account, region=stage.region)
    added = [(each.model, Stack(app, each.name, env=environment)) for each in stacks]
    for _, stack in added:
        CfnWaitConditionHandle(stack, "Nothing")  # the CDK requires one; these templates are not deployed
    shared = [stack for model, stack in added if model is None]
    for stack in (stack for model, stack in added if model is not None):
        for other in shared:
            stack.add_stack_dependency(other, "Models are removed first.")


def main() -> int:
    """Synthesize the stacks to remove. Return 1, with one line on stderr, if there are none or AWS does not answer."""
    app = App(analytics_reporting=False)
    context = app.node.try_get_context
    try:
        stage = find_stage(str(context("stage") or "dev"), str(context("project") or PROJECT))
        stacks = deployed(boto3.client("cloudformation", region_name=stage.region), stage)
        assemble(app, select(stacks, stage, context("model")), stage)
    except ModeletError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"error: {aws_failed(error)}\n")
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
