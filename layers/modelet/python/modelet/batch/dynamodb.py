"""One DynamoDB table: conditional writes and transactions that are retried, and errors of the project's own tree.

Expressions write an attribute as `#name` and a value as `:name`, so that no reserved word can be in the way.
"""

from __future__ import annotations

import random
import re
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.parsers import ResponseParserError

from modelet.batch.attributes import Item, from_item, to_attribute, to_item
from modelet.batch.connection import may_pass
from modelet.errors import ServingError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MOST_ATTEMPTS = 12
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0
MOST_KEYS = 100
"""DynamoDB's limit of keys in one BatchGetItem."""
MOST_WRITES = 25
"""DynamoDB's limit of items in one BatchWriteItem."""

_PASSING = {"LimitExceededException", "TransactionConflictException", "TransactionInProgressException"}
"""Errors of tables and transactions that pass, besides those of all calls."""
_PASSING_REASONS = {"None", "ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}


class MissingTableError(ServingError):
    """The table does not exist."""


class Write(NamedTuple):
    """A write. item: the whole item of a put; None for an update. key, update: of an update. condition: or None."""

    item: Item | None = None
    key: Mapping[str, str] | None = None
    update: str | None = None
    condition: str | None = None
    values: Mapping[str, Any] | None = None

    def request(self, table: str) -> dict[str, Any]:
        """Return the members of the request."""
        members: dict[str, Any] = {"TableName": table}
        if self.item is not None:
            members["Item"] = to_item(self.item)
        else:
            members |= {"Key": to_item(self.key or {}), "UpdateExpression": self.update}
        if self.condition is not None:
            members["ConditionExpression"] = self.condition
            members["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return members | expressed(f"{self.update or ''} {self.condition or ''}", self.values or {})


class Outcome(NamedTuple):
    """What became of writes. refused: the places of those whose condition failed; if there are any, nothing is written.

    items: for each write, the new item of a single update, or the item that a condition refused; None if there is none.
    """

    refused: tuple[int, ...]
    items: tuple[Item | None, ...]

    @property
    def is_done(self) -> bool:
        """Whether everything is written."""
        return not self.refused


class Page(NamedTuple):
    """A page of a scan. items: those that the filter lets pass. after: the key behind which the next one begins."""

    items: list[Item]
    after: Item | None


def expressed(expression: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names and values of an expression as members of a request."""
    members: dict[str, Any] = {}
    names = set(re.findall(r"#(\w+)", expression))
    if names:
        members["ExpressionAttributeNames"] = {f"#{name}": name for name in sorted(names)}
    used = set(re.findall(r":(\w+)", expression))
    if used:
        members["ExpressionAttributeValues"] = {f":{name}": to_attribute(values[name]) for name in sorted(used)}
    return members


class Table:
    """A table. client: boto3's of DynamoDB, or SignedReads for `get` and `get_many` alone. attempts: calls before
    StoreError. wait: sleeps seconds.

    All methods raise StoreError (retryable) if DynamoDB does not answer or throttles for too long, MissingTableError if
    the table does not exist, ServingError for what a retry does not change, such as a missing permission.
    """

    def __init__(
        self, client: Any, name: str, *, attempts: int = MOST_ATTEMPTS, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self.client = client
        self.name = name
        self._attempts = attempts
        self._wait = wait

    def get(self, key: Mapping[str, str], *, consistent: bool = True) -> Item | None:
        """Return an item; None if there is none. consistent: as it is now, not as it was some moments ago."""
        answer = self._call("get_item", TableName=self.name, Key=to_item(key), ConsistentRead=consistent)
        return from_item(answer["Item"]) if "Item" in answer else None

    def get_many(
        self, keys: Sequence[Mapping[str, str]], *, without: Sequence[str] = (), consistent: bool = True
    ) -> list[Item]:
        """Return the items that exist, in any order. without: attributes that are dropped from the items."""
        found: list[Item] = []
        for start in range(0, len(keys), MOST_KEYS):
            waiting = [to_item(key) for key in keys[start : start + MOST_KEYS]]
            for _ in self._tries():
                request = {self.name: {"Keys": waiting, "ConsistentRead": consistent}}
                answer = self._call("batch_get_item", RequestItems=request)
                found += map(from_item, answer["Responses"].get(self.name, []))
                waiting = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
                if not waiting:
                    break
            else:
                raise StoreError(
                    f"table {self.name} leaves {len(waiting)} keys unprocessed after {self._attempts} calls"
                )
        return [{name: value for name, value in item.items() if name not in without} for item in found]

    def query(
        self,
        condition: str,
        values: Mapping[str, Any],
        *,
        only: str | None = None,
        forward: bool = True,
        after: Mapping[str, str] | None = None,
        consistent: bool = True,
    ) -> Iterator[Item]:
        """Yield the items of a partition, page by page. only: a filter. after: the key behind which to begin."""
        members: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ConsistentRead": consistent,
            "ScanIndexForward": forward,
            **expressed(f"{condition} {only or ''}", values),
            **({"FilterExpression": only} if only else {}),
        }
        start = to_item(after) if after else None
        while True:
            answer = self._call("query", **members, **({"ExclusiveStartKey": start} if start else {}))
            yield from map(from_item, answer["Items"])
            start = answer.get("LastEvaluatedKey")
            if not start:
                return

    def scan_page(
        self,
        only: str,
        values: Mapping[str, Any],
        *,
        limit: int,
        after: Mapping[str, str] | None,
        keys: Sequence[str] = (),
        part: tuple[int, int] | None = None,
        consistent: bool = False,
    ) -> Page:
        """Read a page of the table, or of one part of it. only: a filter. keys: attributes to return; none means all.

        part: its number, and how many parts there are. after: the key behind which to begin. limit: items that are
        read, whether the filter lets them pass or not; DynamoDB reads at most 1 MB.
        """
        named = " ".join(f"#{key}" for key in keys)
        answer = self._call(
            "scan",
            TableName=self.name,
            FilterExpression=only,
            Limit=limit,
            ConsistentRead=consistent,
            **expressed(f"{only} {named}", values),
            **({"ProjectionExpression": named.replace(" ", ", ")} if keys else {}),
            **({"Segment": part[0], "TotalSegments": part[1]} if part else {}),
            **({"ExclusiveStartKey": to_item(after)} if after else {}),
        )
        last = answer.get("LastEvaluatedKey")
        return Page([from_item(item) for item in answer["Items"]], from_item(last) if last else None)

    def delete_many(self, keys: Sequence[Mapping[str, str]]) -> None:
        """Delete items by their keys, which are distinct; one that does not exist is no error."""
        for start in range(0, len(keys), MOST_WRITES):
            waiting = [{"DeleteRequest": {"Key": to_item(key)}} for key in keys[start : start + MOST_WRITES]]
            for _ in self._tries():
                answer = self._call("batch_write_item", RequestItems={self.name: waiting})
                waiting = answer.get("UnprocessedItems", {}).get(self.name, [])
                if not waiting:
                    break
            else:
                raise StoreError(
                    f"table {self.name} leaves {len(waiting)} deletions unprocessed after {self._attempts} calls"
                )

    def write(self, write: Write) -> Outcome:
        """Write one item. After a lost answer a condition may refuse what was written: the caller compares the item."""
        operation, returned = ("put_item", "NONE") if write.item is not None else ("update_item", "ALL_NEW")
        try:
            answer = self._call(operation, **write.request(self.name), ReturnValues=returned)
        except ClientError as error:
            old = error.response.get("Item")
            return Outcome((0,), (from_item(old) if old else None,))
        new = answer.get("Attributes")
        return Outcome((), (from_item(new) if new else None,))

    def transact(self, writes: Sequence[Write]) -> Outcome:
        """Write all or nothing. A repeated call is recognized by its token, so that a lost answer does no harm."""
        members = [{"Put" if each.item is not None else "Update": each.request(self.name)} for each in writes]
        try:
            self._call("transact_write_items", TransactItems=members, ClientRequestToken=uuid.uuid4().hex)
        except ClientError as error:
            reasons = error.response["CancellationReasons"]
            refused = tuple(place for place, each in enumerate(reasons) if each["Code"] == "ConditionalCheckFailed")
            return Outcome(refused, tuple(from_item(each["Item"]) if each.get("Item") else None for each in reasons))
        return Outcome((), (None,) * len(writes))

    def _tries(self) -> Iterator[None]:
        """Wait before each attempt but the first: full jitter below a growing limit."""
        yield
        for attempt in range(1, self._attempts):
            longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt)
            self._wait(random.uniform(0, longest))  # noqa: S311 - spreads retries, guards nothing
            yield

    def _call(self, operation: str, **members: Any) -> dict[str, Any]:
        """Call DynamoDB. Raises ClientError only if a condition refused the write."""
        last: Exception | None = None
        for _ in self._tries():
            try:
                answer: dict[str, Any] = getattr(self.client, operation)(**members)
            except ClientError as error:
                if _is_refusal(error):
                    raise
                if not _passes(error):
                    raise self._clear(error) from error
                last = error
            except (HTTPClientError, IncompleteReadError, ResponseParserError) as error:
                last = error
            except BotoCoreError as error:
                raise ServingError(f"DynamoDB cannot be called: {error}") from error
            else:
                return answer
        raise StoreError(f"table {self.name} did not answer after {self._attempts} attempts: {last}") from last

    def _clear(self, error: ClientError) -> ServingError:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return MissingTableError(f"table {self.name} does not exist: deploy the stack again, or correct its name")
        return ServingError(f"table {self.name} refuses the call, which a retry does not change: {error}")


def _reasons(error: ClientError) -> set[str]:
    return {reason["Code"] for reason in error.response.get("CancellationReasons", [])}


def _is_refusal(error: ClientError) -> bool:
    code = error.response["Error"]["Code"]
    return code == "ConditionalCheckFailedException" or "ConditionalCheckFailed" in _reasons(error)


def _passes(error: ClientError) -> bool:
    """Return whether the same call may succeed later."""
    code = error.response["Error"]["Code"]
    if code in _PASSING or may_pass(error.response["ResponseMetadata"]["HTTPStatusCode"], code):
        return True
    reasons = _reasons(error)
    return bool(reasons) and reasons <= _PASSING_REASONS
