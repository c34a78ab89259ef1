"""The CDK app: `python -m infra.app`, which the CDK command line runs. It asks AWS nothing.

Context: `stage` (dev) chooses from infra/stage.py; `project` (modelet) is the first part of all names; `base_image` and
`build_image` replace the images that functions are built from, and `base_digest` says which image the base's tag means.
"""

from __future__ import annotations

import sys
from pathlib import Path

from aws_cdk import App, CfnResource, Stack, Tags
from aws_cdk import aws_iam as iam

from infra.checks import limits, nag
from infra.constructs.provider_logs import keep_provider_logs
from infra.discovery import discover
from infra.errors import SynthError
from infra.stacks.serving_stack import ServingStack
from infra.stacks.storage_stack import StorageStack
from infra.stage import PROJECT, Stage, find_stage
from modelet.dev.project import Project
from modelet.errors import ModeletError

REFUSED = "ValidationFailed"
"""How the CDK begins its list of what may not be deployed."""

RESOURCE_LIMIT = 500
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""


def assemble(app: App, root: Path, stage: Stage) -> tuple[StorageStack, ServingStack]:
    """Put both stacks of a stage into the app. Raises ModeletError, one line, for what cannot be deployed."""
    limits.validate(stage)
    models = discover(root, stage)
    storage = StorageStack(app, f"{stage.prefix}-storage", stage=stage, models=models)
    serving = ServingStack(app, f"{stage.prefix}-serving", stage=stage, models=models)
    serving.add_stack_dependency(storage, "It imports the name of the bucket.")
    for key, value in {"modelet:project": stage.project, "modelet:stage": stage.name, **stage.tags}.items():
        Tags.of(app).add(key, value)
    if stage.permissions_boundary:
        bound = iam.ManagedPolicy.from_managed_policy_arn(storage, "Boundary", stage.permissions_boundary)
        iam.PermissionsBoundary.of(app).apply(bound)
    for stack in (storage, serving):
        keep_provider_logs(stack, stage)
    nag.check(app)
    refuse_too_many_resources(serving, len(models))
    return storage, serving


def refuse_too_many_resources(stack: Stack, models: int) -> None:
    """Raise SynthError for a stack above what CloudFormation takes."""
    count = sum(CfnResource.is_cfn_resource(each) for each in stack.node.find_all())
    if count > RESOURCE_LIMIT:
        raise SynthError(
            f"functions/: {models} models make {count} resources, and CloudFormation takes {RESOURCE_LIMIT} in a stack"
            ": deploy some of the models from a project of their own"
        )


def main() -> int:
    """Synthesize the stage that the context names; 1 and one line on stderr where the project cannot be deployed."""
    app = App(analytics_reporting=False)
    try:
        stage = find_stage(
            str(app.node.try_get_context("stage") or "dev"), str(app.node.try_get_context("project") or PROJECT)
        )
        assemble(app, Project.find(Path.cwd()).root, stage)
    except ModeletError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    try:
        app.synth()
    except RuntimeError as error:  # the CDK's own: what its rules and cdk-nag found, a finding a line
        if not str(error).startswith(REFUSED):
            raise
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
