"""Delete the versions of workers that no batch needs any more: `python -m infra.prune PROJECT STAGE`.

A batch names the version of the worker on which it began, so a deployment keeps all versions. What is deleted is
neither live, nor named by a batch that runs or that `modelet batch resume` may still resume.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from infra.stage import find_stage
from modelet.errors import ModeletError

if TYPE_CHECKING:
    from infra.stage import Stage

RESUMED_WITHIN_S = 14 * 24 * 3600
"""Seconds in which a batch that failed or was cancelled keeps its version."""
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
    deleted = prune(stage, connected["lambda"], needed(stage, connected["ssm"], connected["dynamodb"], time.time()))
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
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        ProjectionExpression="#function",
        FilterExpression="#sort = :batch AND (#state IN (:planning, :running, :loading, :finishing) OR "
        "(#state IN (:failed, :cancelled) AND #changed > :since))",
        ExpressionAttributeNames={f"#{name}": name for name in ("function", "state", "changed")} | {"#sort": "sk"},
        ExpressionAttributeValues={
            ":batch": {"S": "batch"},
            **{f":{state}": {"S": state.upper()} for state in ("planning", "running", "loading", "finishing")},
            **{f":{state}": {"S": state.upper()} for state in ("failed", "cancelled")},
            ":since": {"N": str(now - RESUMED_WITHIN_S)},
        },
    )
    return {item["function"]["S"] for page in pages for item in page["Items"]}


def prune(stage: Stage, client: Any, kept: set[str]) -> list[str]:
    """Delete the versions of the stage's workers but the live ones and those in `kept`; return the ARNs of the deleted.

    client: boto3's client of Lambda.
    """
    deleted = []
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
            for versions in client.get_paginator("list_versions_by_function").paginate(FunctionName=name):
                for version in versions["Versions"]:
                    number, arn = version["Version"], version["FunctionArn"]
                    if live and number not in {"$LATEST", *live} and arn not in kept:
                        client.delete_function(FunctionName=name, Qualifier=number)
                        deleted.append(arn)
    return deleted


if __name__ == "__main__":
    sys.exit(main())
