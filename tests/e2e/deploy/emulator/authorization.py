"""What MiniStack asks IAM for, where it names another action or resource than AWS does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region

ON_ALIAS = {"GET": "GetAlias", "PUT": "UpdateAlias", "DELETE": "DeleteAlias"}
"""The action of each method on one alias."""

Finder = Callable[[dict[str, Any]], str | None]
_finders: dict[str, Finder] = {}


def say_resource(service: str, find: Finder) -> None:
    """Let `find` name the ARN that a call of the service is about, from the call's JSON body."""
    if not _finders:
        iam_actions.extract_resource_arn = _after(iam_actions.extract_resource_arn)
    _finders[service] = find


def arn(service: str, resource: str) -> str:
    """An ARN of this account."""
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def _after(known: Callable[..., str]) -> Callable[..., str]:
    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        find = _finders.get(service)
        found = find(json.loads(body or b"{}")) if find else None
        return found or known(service, method, path, headers, body, *rest)

    return extract_resource_arn


def install() -> None:
    """Name the actions on one alias of a function, a path of parameters, and the version or alias that is invoked.

    For the first two, MiniStack asks for the right to all, also for imports into tables; for the last, for the right to
    the function itself.
    """
    say_resource("ssm", _parameters)
    say_resource("dynamodb", _import)
    iam_actions.extract_resource_arn = _qualified(iam_actions.extract_resource_arn)
    known = iam_actions._lambda_action

    def lambda_action(method: str, path: str) -> str | None:
        one = re.search(r"/functions/[^/]+/aliases/[^/]+$", path.rstrip("/"))
        return ON_ALIAS.get(method) if one else known(method, path)

    iam_actions._lambda_action = lambda_action


def _qualified(known: Callable[..., str]) -> Callable[..., str]:
    def extract_resource_arn(service: str, method: str, path: str, *rest: Any) -> str:
        found = known(service, method, path, *rest)
        named = (rest[2] or {}).get("Qualifier") if service == "lambda" and path.endswith("/invocations") else None
        return f"{found}:{named[0] if isinstance(named, list) else named}" if named else found

    return extract_resource_arn


def _parameters(body: dict[str, Any]) -> str | None:
    """GetParametersByPath is about the path."""
    path = body.get("Path")
    return arn("ssm", f"parameter{path}") if path else None


def _import(body: dict[str, Any]) -> str | None:
    """ImportTable is about the table that it creates, DescribeImport about the import."""
    table = body.get("TableCreationParameters", {}).get("TableName")
    return arn("dynamodb", f"table/{table}") if table else body.get("ImportArn")
