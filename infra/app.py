"""The CDK app: the CDK command line runs it as `python -m infra.app`. It does not call AWS.

Context: `stage` (default dev) selects a stage of infra/stage.py. `project` (default modelet) is the first part of all
names. `base_image` and `build_image` replace the images that functions are built from, and `base_digest` is the digest
that the base image's tag stands for.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from aws_cdk import App, Tags
from aws_cdk import aws_iam as iam

from infra.checks import limits, nag, resources, routes
from infra.constructs.platform.provider_logs import keep_provider_logs
from infra.discovery import discover
from infra.stacks.api_stack import ApiStack
from infra.stacks.model_stack import ModelStack
from infra.stacks.storage_stack import StorageStack
from infra.stage import PROJECT, Stage, find_stage
from modelet.dev.project.project import Project
from modelet.errors import ModeletError

REFUSED = "ValidationFailed"
"""The start of the CDK's error that lists what must not be deployed."""


class Stacks(NamedTuple):
    """The stacks of a stage. models: by model name. workers: the models with batches or jobs."""

    storage: StorageStack
    api: ApiStack
    models: dict[str, ModelStack]
    workers: list[str]


def assemble(app: App, root: Path, stage: Stage) -> Stacks:
    """Add all stacks of a stage to the app. Raises ModeletError, one line, if something cannot be deployed."""
    limits.validate(stage)
    models = discover(root, stage)
    storage = StorageStack(app, stage=stage, models=models)
    api = ApiStack(app, stage=stage, models=models)
    api.add_stack_dependency(storage, "The storage stack is deployed first.")
    resources.validate_shared((storage, api), stage, len(models))
    by_name = {model.name: ModelStack(app, stage=stage, model=model) for model in models}
    for model, stack in zip(models, by_name.values(), strict=True):
        resources.validate(stack, f"{model.yaml}: its settings", "remove some of them")
        stack.add_stack_dependency(storage, "It imports the name of the bucket.")
        stack.add_stack_dependency(api, "It reads the API's id.")
    for key, value in stage.stack_tags.items():
        Tags.of(app).add(key, value)
    if stage.permissions_boundary:
        bound = iam.ManagedPolicy.from_managed_policy_arn(storage, "Boundary", stage.permissions_boundary)
        iam.PermissionsBoundary.of(app).apply(bound)
    for each in (storage, api, *by_name.values()):
        keep_provider_logs(each, stage)
    nag.check(app)
    return Stacks(storage, api, by_name, [model.name for model in models if model.worker])


def main() -> int:
    """Synthesize the stage in the context. Return 1, with one line on stderr, if the project cannot be deployed.

    If models have batches or jobs, print the routes of the API.
    """
    app = App(analytics_reporting=False)
    try:
        stage = find_stage(
            str(app.node.try_get_context("stage") or "dev"), str(app.node.try_get_context("project") or PROJECT)
        )
        stacks = assemble(app, Project.find(Path.cwd()).root, stage)
    except ModeletError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    try:
        app.synth()
    except RuntimeError as error:  # raised by the CDK: findings of its rules and of cdk-nag, one per line
        if not str(error).startswith(REFUSED):
            raise
        sys.stderr.write(f"error: {error}\n")
        return 1
    if stacks.workers:
        sys.stdout.write(f"{routes.summary(stage, len(stacks.models), len(stacks.workers))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
