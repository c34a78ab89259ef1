"""Validation of a stage against AWS's limits, which AWS itself checks only in the middle of a deployment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from infra.errors import SynthError
from infra.stage import Canary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from infra.stage import Stage, StageVpc

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""Days that CloudWatch can keep a log."""

ID = "[0-9a-f]{8,17}"
NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
RESERVED = ("aws", "ssm")
"""Prefixes that the name of an SSM parameter must not have.

Source: docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html.
"""
ACCOUNT = re.compile(r"[0-9]{12}")
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
POLICY = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]+")
MAILBOX = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
TAG = re.compile(r"[A-Za-z0-9_ ./=+@-][A-Za-z0-9_ .:/=+@-]{0,127}")

Violation = tuple[str, str, str]
"""The key, the problem and the remedy."""


def validate(stage: Stage) -> None:
    """Raise SynthError, one line with the stage's key and the remedy, for values that AWS would reject."""
    if not NAME.fullmatch(stage.project) or stage.project.startswith(RESERVED):
        # With a hyphen, model `b` of project `x-dev` and model `dev-b` of project `x` would be the same function.
        raise SynthError(
            f"cdk.json: context.project: {stage.project!r} cannot be the first part of all names: use at most 16 "
            f"lower-case letters and digits that start with a letter, but not with {' or '.join(RESERVED)}"
        )
    for key, problem, remedy in _violations(stage):
        raise SynthError(f"infra/stage.py: stage {stage.name}: {key}: {problem}: {remedy}")


def _violations(stage: Stage) -> Iterator[Violation]:
    if not NAME.fullmatch(stage.name):
        # With a hyphen, `a-b` of one stage and `b` of the stage `x-a` would be the same function.
        yield "name", f"{stage.name!r} cannot be a part of all names", "use a-z and 0-9, at most 16, a letter first"
    for key, pattern, kind, remedy in (
        ("account", ACCOUNT, "an account ID", "use its 12 digits, as a string"),
        ("region", REGION, "a region", "use a name such as eu-west-1"),
        ("permissions_boundary", POLICY, "the ARN of a managed policy", "use arn:aws:iam::ACCOUNT:policy/NAME"),
        ("alarm_email", MAILBOX, "an email address", "use an address such as team@example.com"),
    ):
        value = getattr(stage, key)
        if value is not None and not (isinstance(value, str) and pattern.fullmatch(value)):
            yield key, f"{value!r} is not {kind}", remedy
    if stage.canary not in get_args(Canary):
        yield "canary", f"CodeDeploy has no {stage.canary!r}", f"use one of {', '.join(get_args(Canary))}"
    if stage.log_retention_days not in RETENTIONS:
        known = ", ".join(map(str, RETENTIONS))
        yield (
            "log_retention_days",
            f"CloudWatch cannot keep logs for {stage.log_retention_days} days",
            f"use one of {known}",
        )
    tags: Mapping[Any, Any] = stage.tags  # the types in infra/stage.py are not checked at run time
    for name, value in tags.items():
        if not isinstance(name, str) or not TAG.fullmatch(name) or name.startswith("aws:"):
            yield "tags", f"{name!r} cannot be a tag's key", "use letters, digits and _ . : / = + - @; not aws: first"
        if not isinstance(value, str) or len(value) > 256:
            yield "tags", f"{name!r} has the value {value!r}", "use a string of at most 256 characters"
    if stage.vpc:
        yield from _network(stage.vpc)


def _network(vpc: StageVpc) -> Iterator[Violation]:
    for key, prefix, ids in (
        ("id", "vpc", (vpc.id,)),
        ("subnet_ids", "subnet", vpc.subnet_ids),
        ("security_group_ids", "sg", vpc.security_group_ids),
        ("route_table_ids", "rtb", vpc.route_table_ids),
    ):
        for each in ids:
            if not re.fullmatch(f"{prefix}-{ID}", each):
                yield f"vpc.{key}", f"{each!r} is not a valid ID", f"use {prefix}- and 8 or 17 hexadecimal digits"
    if not vpc.security_group_ids:
        yield "vpc.security_group_ids", "is empty", "list one or more"
    if not vpc.subnet_ids or len(vpc.subnet_ids) != len(vpc.availability_zones):
        yield "vpc.subnet_ids", "does not match availability_zones", "list one subnet or more, and the zone of each"
    if vpc.s3_endpoint and not vpc.route_table_ids:
        yield "vpc.route_table_ids", "s3_endpoint requires it", "list the route tables of the subnets"
