"""Delete the versions of workers that no batch needs any more: `python -m infra.prune PROJECT STAGE`.

A batch names the version of the worker on which it began, so a deployment keeps all versions. What is deleted is
neither live, nor named by a batch that runs, that ended a moment ago, or that `modelet batch resume` may still resume.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from infra.stage import find_stage
from modelet.batch.lifetimes import DAY_S, RESUMABLE_DAYS, SPARE_DAYS
from modelet.errors import ModeletError

if TYPE_CHECKING:
    from infra.stage import Stage

RESUMABLE_S = (RESUMABLE_DAYS + SPARE_DAYS) * DAY_S
"""Seconds for which a batch that failed or was cancelled keeps its version."""
ENDING_S = SPARE_DAYS * DAY_S
"""Seconds for which a batch that is done keeps its version: its last step may still delete old predictions."""
WORKER = "-worker"


def main() -> int:
    """Prune a stage, and print what was deleted."""
    import boto3  # noqa: PLC0415 - only when AWS is asked

    project, name = sys.argv[1:3]
    try:
        stage = find_stage(name, project)
    except ModeletError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    connected = {service: boto3.client(service, region_name=stage.region) for service in ("dynamodb", "lambda", "ssm")}
    # Versions first: a batch that begins after them takes one that is live.
    found = unused(stage, connected["lambda"])
    kept = needed(stage, connected["ssm"], connected["dynamodb"], time.time())
    deleted = prune(connected["lambda"], [each for each in found if each.arn not in kept])
    for arn in deleted:
        sys.stdout.write(f"deleted {arn}\n")
    sys.stdout.write(f"{len(deleted)} versions of workers were deleted\n")
    return 0


def needed(stage: Stage, ssm: Any, dynamodb: Any, now: float) -> set[str]:
    """Return the ARNs of the versions that batches need. ssm, dynamodb: boto3's clients. now: Unix seconds."""
    try:
        table = ssm.get_parameter(Name=stage.parameter("batch", "control-table"))["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return set()  # the stage has no batches
    running = ("PLANNING", "RUNNING", "LOADING", "FINISHING")
    states = {f":{state.lower()}": {"S": state} for state in (*running, "FAILED", "CANCELLED", "DONE")}
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        ProjectionExpression="#function",
        FilterExpression=f"#sort = :batch AND (#state IN ({', '.join(f':{state.lower()}' for state in running)}) OR "
        "(#state IN (:failed, :cancelled) AND #changed > :resumable) OR (#state = :done AND #changed > :ending))",
        ExpressionAttributeNames={f"#{name}": name for name in ("function", "state", "changed")} | {"#sort": "sk"},
        ExpressionAttributeValues={
            ":batch": {"S": "batch"},
            **states,
            ":resumable": {"N": str(now - RESUMABLE_S)},
            ":ending": {"N": str(now - ENDING_S)},
        },
    )
    return {item["function"]["S"] for page in pages for item in page["Items"]}


class Version(NamedTuple):
    """A version of a worker. name: of the function. number: of the version."""

    name: str
    number: str
    arn: str


def unused(stage: Stage, client: Any) -> list[Version]:
    """Return the versions of the stage's workers that no alias names. client: boto3's client of Lambda."""
    found = []
    for page in client.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            name = function["FunctionName"]
            if not (name.startswith(stage.function_name("")) and name.endswith(WORKER)):
                continue
            live = {
                alias["FunctionVersion"]
                for aliases in client.get_paginator("list_aliases").paginate(FunctionName=name)
                for alias in aliases["Aliases"]
            }
            found += [
                Version(name, version["Version"], version["FunctionArn"])
                for versions in client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
                for version in versions["Versions"]
                if live and version["Version"] not in {"$LATEST", *live}
            ]
    return found


def prune(client: Any, versions: list[Version]) -> list[str]:
    """Delete versions; return their ARNs. client: boto3's client of Lambda."""
    for each in versions:
        client.delete_function(FunctionName=each.name, Qualifier=each.number)
    return [each.arn for each in versions]


if __name__ == "__main__":
    sys.exit(main())
