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
    parser.add_argument("model", nargs="?", help="the one model that is to be deployed")
    asked = parser.parse_args()
    try:
        stage = find_stage(asked.stage, asked.project)
        limits.validate(stage)
        functions = {each.name: each.at_stage(stage.name).spec for each in Project.find(Path.cwd()).functions()}
    except ModeletError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    try:
        session = boto3.Session(region_name=stage.region)
        account = session.client("sts").get_caller_identity()["Account"]
        found = deployed.deployed(session.client("cloudformation"), stage)
        deployed.validate(found, stage, functions, asked.model)
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
    large = [name for name, spec in models.items() if spec.resources.memory_mb > NEW_ACCOUNT_MEMORY_MB]
    if large:
        yield (
            f"{', '.join(large)}: resources.memory_mb is above the {NEW_ACCOUNT_MEMORY_MB:,} MB that a new account may "
            "have: if AWS refuses the function, ask its support for more, or lower it"
        )


def concurrency_notes(client: Any, stage: Stage, models: Mapping[str, ModelSpec]) -> Iterator[str]:
    """Yield notes if the models reserve or provision more concurrency than the account can give.

    client: boto3's Lambda client. Concurrency that these functions have already reserved counts as available to them.
    """
    wanted = {name: asked_for(spec) for name, spec in models.items() if asked_for(spec)}
    if not wanted:
        return
    try:
        limits = client.get_account_settings()["AccountLimit"]
        held = sum(_reserved(client, stage.function_name(name)) for name in models)
    except (BotoCoreError, ClientError) as error:
        yield f"the account's concurrency is not known: {error}"
        return
    total, free = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"] + held
    least = min(ALWAYS_UNRESERVED, total)
    if sum(wanted.values()) > free - least:
        each = ", ".join(f"{name} {count}" for name, count in wanted.items())
        yield (
            f"max_concurrency and provisioned ask for {sum(wanted.values())} concurrent executions ({each}), and "
            f"{max(free - least, 0)} can be reserved: the account has {total}, of which Lambda keeps {least} free; ask "
            "Service Quotas for more `Concurrent executions`, or lower them below scaling"
        )


def asked_for(spec: ModelSpec) -> int:
    """Return the concurrent executions that a model reserves or provisions at its peak."""
    scaling = spec.scaling
    ranges = [(scaling.provisioned, scaling.provisioned_max)]
    ranges += [(each.provisioned, each.provisioned_max) for each in scaling.schedules]
    return scaling.max_concurrency or max(most or least for least, most in ranges)


def _reserved(client: Any, function: str) -> int:
    """Return a function's reserved concurrency; 0 if the function does not exist yet."""
    try:
        found = client.get_function_concurrency(FunctionName=function)
    except client.exceptions.ResourceNotFoundException:
        return 0
    return int(found.get("ReservedConcurrentExecutions", 0))


if __name__ == "__main__":
    sys.exit(main())
