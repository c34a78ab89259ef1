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
    """Name the actions on one alias of a function, and a path of parameters: MiniStack asks for the right to all."""
    say_resource("ssm", _parameters)
    known = iam_actions._lambda_action

    def lambda_action(method: str, path: str) -> str | None:
        one = re.search(r"/functions/[^/]+/aliases/[^/]+$", path.rstrip("/"))
        return ON_ALIAS.get(method) if one else known(method, path)

    iam_actions._lambda_action = lambda_action


def _parameters(body: dict[str, Any]) -> str | None:
    """GetParametersByPath is about the path."""
    path = body.get("Path")
    return arn("ssm", f"parameter{path}") if path else None
