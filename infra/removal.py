"""A CDK app for `cdk destroy`: a stack by name alone for each that is deployed, `python -m infra.removal`.

What the project has no more is in no synthesized app, so that the CDK could not remove it. Context: `project`, `stage`,
and `model`, which chooses one; without it all that serves goes. The storage stack is never one of them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import boto3
from aws_cdk import App, CfnWaitConditionHandle, Environment, Stack
from botocore.exceptions import BotoCoreError, ClientError

from infra.checks.deployed import deployed, not_signed_in
from infra.errors import SynthError
from infra.stage import PROJECT, Stage, find_stage
from modelet.errors import ModeletError

if TYPE_CHECKING:
    from collections.abc import Collection

    from infra.checks.deployed import Deployed


def chosen(found: Collection[Deployed], stage: Stage, model: str | None) -> list[Deployed]:
    """What is to go: one model's stack, or all that serves. Raises SynthError where that is nothing."""
    own = [each for each in found if each.belongs_to(stage) and each.name != stage.stack_name("storage")]
    if model is not None:
        known = sorted(each.model for each in own if each.model is not None)
        own = [each for each in own if each.model == model]
        if not own:
            raise SynthError(
                f"{stage.prefix} has no model {model} that is deployed: choose one of {', '.join(known) or 'none'}"
            )
    if not own:
        raise SynthError(f"{stage.prefix} has nothing that serves: there is nothing to remove")
    return own


def assemble(app: App, found: Collection[Deployed], stage: Stage) -> None:
    """Put the stacks into the app. Models go before the API, and none of them waits for another."""
    environment = Environment(account=stage.account, region=stage.region)
    stacks = [(each.model, Stack(app, each.name, env=environment)) for each in found]
    for _, stack in stacks:
        CfnWaitConditionHandle(stack, "Nothing")  # the CDK's rules want one resource; no template of these is deployed
    shared = [stack for model, stack in stacks if model is None]
    for stack in (stack for model, stack in stacks if model is not None):
        for other in shared:
            stack.add_stack_dependency(other, "Models go first.")


def main() -> int:
    """Synthesize what is to be removed; 1 and one line on stderr where that is nothing, or nobody can say."""
    app = App(analytics_reporting=False)
    context = app.node.try_get_context
    try:
        stage = find_stage(str(context("stage") or "dev"), str(context("project") or PROJECT))
        found = deployed(boto3.client("cloudformation", region_name=stage.region), stage)
        assemble(app, chosen(found, stage, context("model")), stage)
    except ModeletError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"error: {not_signed_in(error)}\n")
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
