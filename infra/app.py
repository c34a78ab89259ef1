"""The CDK app: `python -m infra.app`, which the CDK command line runs. It asks AWS nothing.

Context: `stage` (dev) chooses from infra/stage.py; `project` (modelet) is the first part of all names; `base_image` and
`build_image` replace the images that functions are built from, and `base_digest` says which image the base's tag means.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from aws_cdk import App, Tags
from aws_cdk import aws_iam as iam

from infra.checks import limits, nag, resources
from infra.constructs.provider_logs import keep_provider_logs
from infra.discovery import discover
from infra.stacks.api_stack import ApiStack
from infra.stacks.model_stack import ModelStack
from infra.stacks.storage_stack import StorageStack
from infra.stage import PROJECT, Stage, find_stage
from modelet.dev.project.project import Project
from modelet.errors import ModeletError

REFUSED = "ValidationFailed"
"""How the CDK begins its list of what may not be deployed."""


class Stacks(NamedTuple):
    """The stacks of a stage. models: by the models' names."""

    storage: StorageStack
    api: ApiStack
    models: dict[str, ModelStack]


def assemble(app: App, root: Path, stage: Stage) -> Stacks:
    """Put all stacks of a stage into the app. Raises ModeletError, one line, for what cannot be deployed."""
    limits.validate(stage)
    models = discover(root, stage)
    storage = StorageStack(app, stage=stage, models=models)
    api = ApiStack(app, stage=stage, models=models)
    api.add_stack_dependency(storage, "What is stored comes first.")
    resources.validate_shared((storage, api), stage, len(models))
    by_name = {model.name: ModelStack(app, stage=stage, model=model) for model in models}
    for model, stack in zip(models, by_name.values(), strict=True):
        resources.validate(stack, f"{model.yaml}: its settings", "ask for less there")
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
    return Stacks(storage, api, by_name)


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
