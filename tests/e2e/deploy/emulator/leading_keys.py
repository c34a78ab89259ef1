"""The condition key dynamodb:LeadingKeys, which MiniStack lacks: the partition keys that a request names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ministack.core import iam_actions
from ministack.services import dynamodb


def install() -> None:
    """Add the key to what policies are asked with. A scan has none, as in AWS."""
    known = iam_actions.dynamodb_service_context

    def context(body: bytes) -> dict[str, Any]:
        keys = [str(next(iter(value.values()))) for value in _values(json.loads(body or b"{}"))]
        return {**known(body), **({"dynamodb:LeadingKeys": keys} if keys else {})}

    iam_actions.dynamodb_service_context = context


def _values(request: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The values of the partition key in a request on one table, on several, or of a transaction."""
    yield from _of_table(request)
    for table, asked in (request.get("RequestItems") or {}).items():
        parts = [{"Key": key} for key in asked["Keys"]] if isinstance(asked, dict) else asked
        for part in parts:
            inner = part.get("PutRequest") or part.get("DeleteRequest") or part
            yield from _of_table({**inner, "TableName": table})
    for part in request.get("TransactItems") or []:
        for member in part.values():
            yield from _of_table(member)


def _of_table(request: dict[str, Any]) -> Iterator[dict[str, str]]:
    table = dynamodb._tables.get(str(request.get("TableName")).rpartition("/")[2])
    if table is None:
        return
    name = table["pk_name"]
    for member in ("Key", "Item"):
        if name in request.get(member, {}):
            yield request[member][name]
    names, values = request.get("ExpressionAttributeNames") or {}, request.get("ExpressionAttributeValues") or {}
    for attribute, value in re.findall(r"([#\w]+)\s*=\s*(:\w+)", request.get("KeyConditionExpression") or ""):
        if names.get(attribute, attribute) == name:
            yield values[value]
