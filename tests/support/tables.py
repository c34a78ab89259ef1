"""DynamoDB for tests: tables in an emulator, a clock that is set, and a relay that loses answers or adds faults."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request as Call
from urllib.request import urlopen

import boto3
from botocore.config import Config

from modelet.batch.request import BatchRequest
from modelet.batch.table import TableKeys
from support.aws import Request

REQUEST = BatchRequest(("s3://bucket/rows.csv",), "id")
_numbers = itertools.count()


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def dynamodb_client(url: str, *, verify: str | None = None) -> Any:
    """A client of an emulator that makes one attempt only, so that retries are those of the code under test.

    verify: the file of the authorities that it trusts.
    """
    config = Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=20)
    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=config,
        verify=verify,
    )


def make_table(client: Any, keys: TableKeys) -> str:
    """A new, empty table; returns its name."""
    name = f"table-{next(_numbers)}"
    create_table(client, name, keys)
    return name


def create_table(client: Any, name: str, keys: TableKeys) -> None:
    """Create a table as the infrastructure does."""
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=True)],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
    )


def operation(request: Request) -> str:
    """The operation of a request, for example PutItem."""
    return str(request.headers["X-Amz-Target"]).rpartition(".")[2]


def forward(url: str, request: Request) -> tuple[int, Any]:
    """Give a request to the emulator; returns its answer."""
    headers = {name: value for name, value in request.headers.items() if name.lower() not in {"host", "content-length"}}
    try:
        with urlopen(Call(url, data=request.body, headers=headers)) as answer:
            return answer.status, json.loads(answer.read())
    except HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


class Relay:
    """The script of a service before an emulator. lost: how many answers of writes are still lost, after the write.

    before: called once, before the next write is passed on. seen: operations and bodies so far.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.seen: list[tuple[str, bytes]] = []
        self.lost = 0
        self.before: Callable[[], None] | None = None

    def __call__(self, request: Request, _number: int) -> tuple[int, Any] | None:
        self.seen.append((operation(request), request.body))
        is_write = operation(request) in {"PutItem", "UpdateItem", "TransactWriteItems"}
        if is_write and self.before is not None:
            before, self.before = self.before, None
            before()
        answer = forward(self._url, request)
        if is_write and self.lost and answer[0] == 200:
            self.lost -= 1
            return None
        return answer


def refusal(code: str, **members: Any) -> tuple[int, Any]:
    """The answer of DynamoDB with an error."""
    return 400, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "refused", **members}
