"""Whose stacks are deployed, and which of them the project has no more.

`python -m infra.checks.deployed PROJECT STAGE` names the latter, and asks AWS for that.
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

OLD = "serving"
"""The one stack that held the API and all models, before each model had its own."""

GONE = "DELETE_COMPLETE"


@dataclass(frozen=True)
class Deployed:
    """A stack that is there. model: the model whose stack it is, if it is one's."""

    name: str
    tags: Mapping[str, str]
    model: str | None = None

    def belongs_to(self, stage: Stage) -> bool:
        """Whether the stage's own project made it. Before stacks had tags, every project was called modelet."""
        made_by = self.tags.get("modelet:project", PROJECT), self.tags.get("modelet:stage", stage.name)
        return made_by == (stage.project, stage.name)


def deployed(client: Any, stage: Stage) -> list[Deployed]:
    """The stacks that are called as the stage's are, by name. client: boto3's, of CloudFormation."""
    names = {stage.stack_name(part) for part in ("storage", "api", OLD)}
    start = stage.model_stack_name("")
    found = []
    for page in client.get_paginator("describe_stacks").paginate():
        for each in page["Stacks"]:
            name = each["StackName"]
            if each["StackStatus"] != GONE and (name in names or name.startswith(start)):
                tags = {tag["Key"]: tag["Value"] for tag in each.get("Tags", ())}
                model = name.removeprefix(start) if name.startswith(start) else None
                found.append(Deployed(name, tags, model))
    return sorted(found, key=lambda each: each.name)


def validate(found: Collection[Deployed], stage: Stage, models: Collection[str], only: str | None = None) -> None:
    """Raise SynthError, one line, where a deployment would change or meet what is not this project's.

    models: the project's. only: the one model that is to be deployed; None deploys all.
    """
    for each in found:
        if not each.belongs_to(stage):
            owner = f"{each.tags.get('modelet:project', PROJECT)}, stage {each.tags.get('modelet:stage', 'unknown')}"
            raise SynthError(
                f"the stack {each.name} belongs to another project ({owner}): give this one a name of its own, as "
                "`project` in cdk.json"
            )
    names = {each.name for each in found}
    if stage.stack_name(OLD) in names:
        raise SynthError(
            f"the stack {stage.stack_name(OLD)} is of an older Modelet, and its functions have the names of the new "
            f"ones: run `make destroy STAGE={stage.name}` once, which keeps what is stored, and then `make deploy`"
        )
    theirs = {each.model for each in found if each.model is not None}
    if theirs and not theirs & set(models):
        raise SynthError(
            f"the models that are deployed as {stage.prefix} ({', '.join(sorted(theirs))}) are none of this project's: "
            "give this one a name of its own, as `project` in cdk.json, or remove those first: "
            f"`make destroy STAGE={stage.name}`"
        )
    if only is not None:
        _validate_one(names, stage, models, only)


def _validate_one(names: Collection[str], stage: Stage, models: Collection[str], only: str) -> None:
    """Whether one model can be deployed alone."""
    if only not in models:
        raise SynthError(f"functions/: there is no model {only}: choose one of {', '.join(sorted(models))}")
    new_methods = stage.api == "rest" and stage.model_stack_name(only) not in names
    if stage.stack_name("api") not in names or new_methods:
        missing = "a REST API has no method for it yet" if new_methods else "there is no API yet"
        raise SynthError(f"{only} cannot be deployed alone, {missing}: run `make deploy STAGE={stage.name}`")


def leftovers(found: Collection[Deployed], stage: Stage, models: Collection[str]) -> list[str]:
    """What is deployed for models that the project has no more, a line each, with the command that removes it."""
    return [
        f"the stack {each.name} still serves a model that the project has no more: "
        f"`make destroy STAGE={stage.name} MODEL={each.model}` removes it"
        for each in found
        if each.model is not None and each.model not in models and each.belongs_to(stage)
    ]


def not_signed_in(error: Exception) -> str:
    """What to do where AWS does not answer; error: boto3's."""
    remedy = "run `aws sso login` or `aws configure`, or set AWS_PROFILE, and AWS_REGION"
    return f"nobody is signed in to AWS ({error}): {remedy}"


def main() -> int:
    """Name the stacks that the project has no more; 1 and one line on stderr where nobody can say."""
    import boto3  # noqa: PLC0415 - only the command asks AWS
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

    project, name = sys.argv[1:3]
    try:
        stage = find_stage(name, project)
        models = [each.name for each in Project.find(Path.cwd()).functions()]
        found = deployed(boto3.client("cloudformation", region_name=stage.region), stage)
    except ModeletError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"error: {not_signed_in(error)}\n")
        return 1
    for line in leftovers(found, stage, models):
        sys.stdout.write(f"note: {line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
