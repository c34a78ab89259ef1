"""Checks of the account before a deployment: `python -m infra.checks.account PROJECT STAGE [MODEL]`.

It fails with a remedy before minutes are spent on a build. It also prints notes on quotas that the account may exceed.
A note stops nothing: a quota may have been raised, and AWS decides.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.checks import deployed, limits
from infra.discovery import worker_name
from infra.errors import SynthError
from infra.stage import Stage, find_stage
from modelet.dev.project.project import Project
from modelet.errors import ModeletError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelet.dev.project.spec import ModelSpec

NEW_ACCOUNT_MEMORY_MB = 3008
"""The most memory, in MB, of a function in a new account; no AWS API returns this quota.

Source: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, "New AWS accounts have reduced concurrency and
memory quotas".
"""

ALWAYS_UNRESERVED = 100
"""Concurrent executions that Lambda keeps unreserved in an account that has more.

Source: docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html.
"""


def main() -> int:
    """Print the account to deploy to, and notes on its quotas. Return 1, with one line on stderr, if it is unusable."""
    parser = argparse.ArgumentParser(prog="python -m infra.checks.account", description=main.__doc__)
    parser.add_argument("project")
    parser.add_argument("stage")
    parser.add_argument("model", nargs="?", help="the only model to deploy")
    arguments = parser.parse_args()
    try:
        stage = find_stage(arguments.stage, arguments.project)
        limits.validate(stage)
        functions = {each.name: each.at_stage(stage.name).spec for each in Project.find(Path.cwd()).functions()}
    except ModeletError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    try:
        session = boto3.Session(region_name=stage.region)
        account = session.client("sts").get_caller_identity()["Account"]
        stacks = deployed.deployed(session.client("cloudformation"), stage)
        deployed.validate(stacks, stage, functions, arguments.model)
    except SynthError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"error: {deployed.aws_failed(error)}\n")
        return 1
    sys.stdout.write(f"account {account}, {session.region_name}\n")
    for note in (*memory_notes(functions), *concurrency_notes(session.client("lambda"), stage, functions)):
        sys.stdout.write(f"note: {note}\n")
    return 0


def memory_notes(models: Mapping[str, ModelSpec]) -> Iterator[str]:
    """Yield a note for each model that needs more memory than a new account may allow."""
    large = {
        "resources": [name for name, spec in models.items() if spec.resources.memory_mb > NEW_ACCOUNT_MEMORY_MB],
        "worker": [
            name
            for name, spec in models.items()
            if spec.own_worker and spec.own_worker.memory_mb > NEW_ACCOUNT_MEMORY_MB
        ],
    }
    for section, names in large.items():
        if not names:
            continue
        yield (
            f"{', '.join(names)}: {section}.memory_mb is above {NEW_ACCOUNT_MEMORY_MB:,} MB, the limit of some new "
            "accounts: if AWS rejects the function, ask AWS Support for a higher limit, or lower the value"
        )


def concurrency_notes(client: Any, stage: Stage, models: Mapping[str, ModelSpec]) -> Iterator[str]:
    """Yield notes if the models reserve or provision more concurrency than the account can give.

    client: boto3's Lambda client. Concurrency that these functions have already reserved counts as available to them.
    """
    needed = {name: peak_concurrency(spec) for name, spec in models.items() if peak_concurrency(spec)}
    workers = {worker_name(name): spec.own_worker.max_concurrency for name, spec in models.items() if spec.own_worker}
    needed |= workers
    if not needed:
        return
    try:
        limits = client.get_account_settings()["AccountLimit"]
        reserved = sum(_reserved(client, stage.function_name(name)) for name in (*models, *workers))
    except (BotoCoreError, ClientError) as error:
        yield f"the account's concurrency limits cannot be read: {error}"
        return
    total, free = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"] + reserved
    kept = min(ALWAYS_UNRESERVED, total)
    if sum(needed.values()) > free - kept:
        each = ", ".join(f"{name} {count}" for name, count in needed.items())
        yield (
            f"max_concurrency and provisioned need {sum(needed.values())} concurrent executions ({each}), but only "
            f"{max(free - kept, 0)} can be reserved: the account has {total}, and Lambda keeps {kept} unreserved; "
            "raise the quota `Concurrent executions` in Service Quotas, or lower the values under scaling and worker"
        )


def peak_concurrency(spec: ModelSpec) -> int:
    """Return the concurrent executions that a model reserves or provisions at its peak."""
    scaling = spec.scaling
    ranges = [(scaling.provisioned, scaling.provisioned_max)]
    ranges += [(each.provisioned, each.provisioned_max) for each in scaling.schedules]
    return scaling.max_concurrency or max(most or least for least, most in ranges)


def _reserved(client: Any, function: str) -> int:
    """Return a function's reserved concurrency; 0 if the function does not exist yet."""
    try:
        response = client.get_function_concurrency(FunctionName=function)
    except client.exceptions.ResourceNotFoundException:
        return 0
    return int(response.get("ReservedConcurrentExecutions", 0))


if __name__ == "__main__":
    sys.exit(main())
