"""Checks of deployed stacks: whose they are, and whether the project still has their models.

`python -m infra.checks.deployed PROJECT STAGE` asks AWS, and lists the stacks whose models the project no longer has.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import SynthError
from infra.stage import PROJECT, Stage, find_stage
from modelet.dev.project.project import Project
from modelet.errors import ModeletError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

OLD_STACK = "serving"
"""The single stack that held the API and all models, before each model had its own."""

DELETED = "DELETE_COMPLETE"


@dataclass(frozen=True)
class Deployed:
    """A deployed stack. model: the model's name if it is a model's stack."""

    name: str
    tags: Mapping[str, str]
    model: str | None = None

    def belongs_to(self, stage: Stage) -> bool:
        """Return whether the stage's project created the stack; a stack without tags belongs to the project modelet."""
        made_by = self.tags.get("modelet:project", PROJECT), self.tags.get("modelet:stage", stage.name)
        return made_by == (stage.project, stage.name)


def deployed(client: Any, stage: Stage) -> list[Deployed]:
    """Return the stacks named like the stage's, sorted by name. client: boto3's CloudFormation client."""
    names = {stage.stack_name(part) for part in ("storage", "api", OLD_STACK)}
    start = stage.model_stack_name("")
    stacks = []
    for page in client.get_paginator("describe_stacks").paginate():
        for each in page["Stacks"]:
            name = each["StackName"]
            if each["StackStatus"] != DELETED and (name in names or name.startswith(start)):
                tags = {tag["Key"]: tag["Value"] for tag in each.get("Tags", ())}
                model = name.removeprefix(start) if name.startswith(start) else None
                stacks.append(Deployed(name, tags, model))
    return sorted(stacks, key=lambda each: each.name)


def validate(stacks: Collection[Deployed], stage: Stage, models: Collection[str], only: str | None = None) -> None:
    """Raise SynthError, one line, if a deployment would change another project's stacks or conflict with them.

    models: the project's models. only: the one model to deploy; None deploys all.
    """
    for each in stacks:
        if not each.belongs_to(stage):
            owner = f"{each.tags.get('modelet:project', PROJECT)}, stage {each.tags.get('modelet:stage', 'unknown')}"
            raise SynthError(
                f"the stack {each.name} belongs to another project ({owner}): change `project` in cdk.json to a "
                "name of its own"
            )
    names = {each.name for each in stacks}
    if stage.stack_name(OLD_STACK) in names:
        raise SynthError(
            f"the stack {stage.stack_name(OLD_STACK)} was created by an older Modelet, and its functions have the "
            f"same names as the new ones: run `make destroy STAGE={stage.name}` once, which keeps the stored versions, "
            "and then `make deploy`"
        )
    known = {each.model for each in stacks if each.model is not None}
    if known and not known & set(models):
        raise SynthError(
            f"the deployed models of {stage.prefix} ({', '.join(sorted(known))}) are not models of this project: "
            "change `project` in cdk.json to a name of its own, or remove the deployed models first with "
            f"`make destroy STAGE={stage.name}`"
        )
    if only is not None:
        _validate_one(names, stage, models, only)


def _validate_one(names: Collection[str], stage: Stage, models: Collection[str], only: str) -> None:
    """Raise SynthError if a model cannot be deployed alone."""
    if only not in models:
        raise SynthError(f"functions/: there is no model {only}: choose one of {', '.join(sorted(models))}")
    new_methods = stage.api == "rest" and stage.model_stack_name(only) not in names
    if stage.stack_name("api") not in names or new_methods:
        missing = "the REST API has no methods for it yet" if new_methods else "there is no API yet"
        raise SynthError(f"{only} cannot be deployed alone: {missing}: run `make deploy STAGE={stage.name}`")


def leftovers(stacks: Collection[Deployed], stage: Stage, models: Collection[str]) -> list[str]:
    """Return a line for each stack whose model the project no longer has, with the command that removes it."""
    return [
        f"the stack {each.name} serves a model that is no longer in the project: "
        f"remove it with `make destroy STAGE={stage.name} MODEL={each.model}`"
        for each in stacks
        if each.model is not None and each.model not in models and each.belongs_to(stage)
    ]


def aws_failed(error: Exception) -> str:
    """Return the message for a failed call of AWS, with the remedy. error: boto3's."""
    remedy = "run `aws sso login` or `aws configure`, or set AWS_PROFILE and AWS_REGION"
    return f"cannot call AWS ({error}): {remedy}"


def main() -> int:
    """List stacks of models that the project no longer has. Return 1, with one line on stderr, if that fails."""
    import boto3  # noqa: PLC0415 - only the command asks AWS
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

    project, name = sys.argv[1:3]
    try:
        stage = find_stage(name, project)
        models = [each.name for each in Project.find(Path.cwd()).functions()]
        stacks = deployed(boto3.client("cloudformation", region_name=stage.region), stage)
    except ModeletError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"error: {aws_failed(error)}\n")
        return 1
    for line in leftovers(stacks, stage, models):
        sys.stdout.write(f"note: {line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
