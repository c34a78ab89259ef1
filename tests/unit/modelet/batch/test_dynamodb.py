"""Calls of DynamoDB: what is retried, what is refused, and what is an error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from modelet.batch.attributes import to_item
from modelet.batch.dynamodb import FIRST_PAUSE_S, LONGEST_PAUSE_S, MissingTableError, Table, Write
from modelet.errors import ServingError, StoreError
from support.aws import Request, Service, running_service
from support.tables import Relay, dynamodb_client, refusal

KEY = {"pk": "a", "sk": "b"}


@pytest.fixture
def service() -> Iterator[Service]:
    """A service whose answers a test writes."""
    with running_service() as service:
        yield service


@pytest.fixture
def pauses() -> list[float]:
    """The pauses that a table would have made."""
    return []


@pytest.fixture
def table(service: Service, pauses: list[float]) -> Table:
    """A table of the service, which does not wait."""
    return Table(dynamodb_client(service.url), "rows", attempts=6, wait=pauses.append)


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "ThrottlingException"])
def test_a_throttle_is_retried_with_jitter(service: Service, table: Table, pauses: list[float], code: str) -> None:
    service.script = lambda _, number: refusal(code) if number < 4 else (200, {"Item": to_item(KEY)})
    assert table.get(KEY) == KEY
    assert all(0 <= pause <= FIRST_PAUSE_S * 2 ** (place + 1) for place, pause in enumerate(pauses))
    assert len(set(pauses)) == 3


def test_pauses_grow_to_a_limit(service: Service, pauses: list[float]) -> None:
    service.script = lambda *_: refusal("ThrottlingException")
    with pytest.raises(StoreError, match="table rows did not answer after 20 attempts"):
        Table(dynamodb_client(service.url), "rows", attempts=20, wait=pauses.append).get(KEY)
    assert len(pauses) == 19
    assert max(pauses) <= LONGEST_PAUSE_S


def test_a_broken_connection_and_a_5xx_are_retried(service: Service, table: Table) -> None:
    answers: list[Any] = [None, (500, {"__type": "InternalServerError"}), (200, {})]
    service.script = lambda _, number: answers[number - 1]
    assert table.get(KEY) is None
    assert len(service.seen) == 3


def test_a_transaction_in_conflict_is_retried_under_the_same_token(service: Service, table: Table) -> None:
    reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
    tokens = []

    def script(request: Request, number: int) -> tuple[int, Any]:
        tokens.append(json.loads(request.body)["ClientRequestToken"])
        return refusal("TransactionCanceledException", CancellationReasons=reasons) if number != 3 else (200, {})

    service.script = script
    assert table.transact([Write(KEY), Write({**KEY, "sk": "c"})]).is_done
    assert len(tokens) == 3
    assert len(set(tokens)) == 1
    with pytest.raises(StoreError):
        table.transact([Write(KEY)])
    assert len(set(tokens)) == 2


def test_a_transaction_whose_item_is_refused_is_an_error_at_once(service: Service, table: Table) -> None:
    reasons = [{"Code": "ValidationError", "Message": "too large"}]
    service.script = lambda *_: refusal("TransactionCanceledException", CancellationReasons=reasons)
    with pytest.raises(ServingError, match="a retry does not change") as caught:
        table.transact([Write(KEY)])
    assert not caught.value.retryable
    assert len(service.seen) == 1


def test_a_missing_table_and_a_missing_right_are_named_at_once(service: Service, table: Table) -> None:
    service.script = lambda *_: refusal("ResourceNotFoundException")
    with pytest.raises(MissingTableError, match="table rows does not exist: deploy"):
        table.get(KEY)
    service.script = lambda *_: refusal("AccessDeniedException")
    with pytest.raises(ServingError, match="AccessDeniedException") as caught:
        table.get(KEY)
    assert not caught.value.retryable
    assert len(service.seen) == 2


def test_keys_that_are_left_unprocessed_are_asked_again(service: Service, table: Table) -> None:
    keys = [{"pk": "a", "sk": f"{number}"} for number in range(3)]
    answers = [
        {"Responses": {"rows": [to_item(keys[0])]}, "UnprocessedKeys": {"rows": {"Keys": [to_item(keys[1])]}}},
        {"Responses": {}, "UnprocessedKeys": {"rows": {"Keys": [to_item(keys[1])]}}},
        {"Responses": {"rows": [to_item(keys[1])]}},
    ]
    service.script = lambda _, number: (200, answers[number - 1])
    assert table.get_many(keys) == keys[:2]


def test_keys_that_stay_unprocessed_are_an_error_that_may_pass(service: Service, table: Table) -> None:
    left = {"Responses": {}, "UnprocessedKeys": {"rows": {"Keys": [to_item(KEY)]}}}
    service.script = lambda *_: (200, left)
    with pytest.raises(StoreError, match="leaves 1 keys unprocessed"):
        table.get_many([KEY])


def test_many_keys_are_read_a_hundred_at_a_time(dynamodb: Any, control: str) -> None:
    table = Table(dynamodb, control)
    keys = [{"pk": "a", "sk": f"{number:03}"} for number in range(150)]
    for key in keys[::10]:
        table.write(Write({**key, "state": "x", "body": b"long"}))
    found = table.get_many(keys, without=("body",))
    assert sorted(found, key=lambda item: str(item["sk"])) == [{**key, "state": "x"} for key in keys[::10]]


def test_a_condition_gives_the_item_that_refused(dynamodb: Any, control: str) -> None:
    table = Table(dynamodb, control)
    assert table.write(Write({**KEY, "state": 1}, condition="attribute_not_exists(#pk)")).is_done
    outcome = table.write(Write({**KEY, "state": 2}, condition="attribute_not_exists(#pk)"))
    assert (outcome.refused, outcome.items) == ((0,), ({**KEY, "state": 1},))
    outcome = table.transact(
        [Write({"pk": "a", "sk": "c"}), Write({**KEY, "state": 2}, condition="#state = :two", values={"two": 2})]
    )
    assert (outcome.refused, outcome.items) == ((1,), (None, {**KEY, "state": 1}))
    assert table.get({"pk": "a", "sk": "c"}) is None


def test_an_update_gives_the_new_item(dynamodb: Any, control: str) -> None:
    table = Table(dynamodb, control)
    outcome = table.write(Write(key=KEY, update="SET #state = :new ADD #count :one", values={"new": "x", "one": 1}))
    assert outcome.items == ({**KEY, "state": "x", "count": 1},)


def test_a_query_reads_all_pages(service: Service, table: Table) -> None:
    pages = [{"Items": [to_item(KEY)], "LastEvaluatedKey": to_item(KEY)}, {"Items": [to_item({**KEY, "sk": "c"})]}]
    starts = []

    def script(request: Request, number: int) -> tuple[int, Any]:
        starts.append(json.loads(request.body).get("ExclusiveStartKey"))
        return 200, pages[number - 1]

    service.script = script
    assert [item["sk"] for item in table.query("#pk = :pk", {"pk": "a"})] == ["b", "c"]
    assert starts == [None, to_item(KEY)]


def test_a_write_whose_answer_is_lost_is_made_again(relayed: tuple[Any, Relay], dynamodb: Any, control: str) -> None:
    client, relay = relayed
    relay.lost = 2
    assert Table(client, control).write(Write(KEY)).is_done
    assert Table(dynamodb, control).get(KEY) == KEY
