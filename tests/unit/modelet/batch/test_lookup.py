"""The look-up of predictions: one generation in every answer."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from modelet.batch.attributes import to_item
from modelet.batch.dynamodb import MissingTableError
from modelet.batch.generations import Generations
from modelet.batch.lookup import FRESH_S, MOST_KEPT_BYTES, Looked, Lookup, check_keys
from modelet.batch.table import EXPIRES, PREDICTIONS
from modelet.errors import ContractError
from support.tables import Clock, Relay, dynamodb_client, make_table


@pytest.fixture
def predictions(dynamodb: Any) -> str:
    """The name of an empty prediction table."""
    return make_table(dynamodb, PREDICTIONS)


@pytest.fixture
def generations(dynamodb: Any, control: str) -> Generations:
    return Generations(dynamodb, control)


@pytest.fixture
def lookup(dynamodb: Any, control: str, clock: Clock) -> Lookup:
    return Lookup(dynamodb, control, clock=clock)


def load(client: Any, table: str, generation: str, keys: list[str], **members: Any) -> None:
    for key in keys:
        item = {"id": key, "generation": generation, "prediction": json.dumps(generation), "source": "batch", **members}
        client.put_item(TableName=table, Item=to_item(item))


def values(looked: Looked) -> dict[str, Any]:
    return {key: each.value for key, each in looked.predictions.items()}


def test_a_model_without_a_generation_has_no_predictions(lookup: Lookup) -> None:
    assert lookup.get("iris", ["a"]) == Looked(None, {})
    assert not lookup.keep("iris", "a", 1, 60)


def test_predictions_are_those_of_the_active_generation(
    lookup: Lookup, generations: Generations, dynamodb: Any, predictions: str
) -> None:
    load(dynamodb, predictions, "b1", ["a", "b"])
    load(dynamodb, predictions, "b2", ["b", "c"], passed=json.dumps({"name": "x"}))
    pointer = generations.switch("iris", "b2", predictions, 2, 1)
    looked = lookup.get("iris", ["a", "b", "c", "c"])
    assert values(looked) == {"b": "b2", "c": "b2"}
    assert looked.generation == pointer
    assert (looked.predictions["b"].passed, looked.predictions["b"].source) == ({"name": "x"}, "batch")
    assert lookup.get("iris", []) == Looked(pointer, {})


def test_more_than_a_hundred_keys_are_looked_up(
    lookup: Lookup, generations: Generations, dynamodb: Any, predictions: str
) -> None:
    keys = [f"k{number}" for number in range(130)]
    load(dynamodb, predictions, "b1", keys)
    generations.switch("iris", "b1", predictions, 130, 1)
    assert set(lookup.get("iris", keys).predictions) == set(keys)


def test_an_expired_prediction_is_absent(
    lookup: Lookup, generations: Generations, dynamodb: Any, predictions: str, clock: Clock
) -> None:
    load(dynamodb, predictions, "b1", ["a"], expires_at=int(clock.now))
    load(dynamodb, predictions, "b1", ["b"], expires_at=int(clock.now) + 1)
    generations.switch("iris", "b1", predictions, 2, 1)
    assert set(lookup.get("iris", ["a", "b"]).predictions) == {"b"}


def test_an_expired_generation_is_not_active_although_its_items_are_still_there(
    lookup: Lookup, generations: Generations, dynamodb: Any, predictions: str, clock: Clock
) -> None:
    until = int(clock.now) + 100
    load(dynamodb, predictions, "b1", ["a"], expires_at=until)
    pointer = Generations(dynamodb, generations._table.name, clock=clock).switch(
        "iris", "b1", predictions, 1, clock.now, until=until
    )
    assert values(lookup.get("iris", ["a"])) == {"a": "b1"}
    assert lookup.keep("iris", "b", 1, 60)
    assert lookup.keep("iris", "c", 1, 10_000)
    kept = {each["id"]["S"]: int(each[EXPIRES]["N"]) for each in dynamodb.scan(TableName=predictions)["Items"]}
    assert kept == {"a": until, "b": until - 40, "c": until}, "nothing outlives its generation"
    clock.now += 100
    assert lookup.active("iris") is None
    assert lookup.pointer("iris") == pointer
    assert lookup.get("iris", ["a"]) == Looked(None, {})
    assert not lookup.keep("iris", "d", 1, 60)


def test_a_pointer_is_read_again_after_two_seconds(
    lookup: Lookup, generations: Generations, dynamodb: Any, predictions: str
) -> None:
    load(dynamodb, predictions, "b1", ["a"])
    load(dynamodb, predictions, "b2", ["a"])
    generations.switch("iris", "b1", predictions, 1, 1)
    assert values(lookup.get("iris", ["a"])) == {"a": "b1"}
    generations.switch("iris", "b2", predictions, 1, 1)
    time.sleep(FRESH_S)
    assert values(lookup.get("iris", ["a"])) == {"a": "b2"}


def test_a_warm_look_up_is_one_call(
    relayed: tuple[Any, Relay], generations: Generations, control: str, predictions: str
) -> None:
    client, relay = relayed
    generations.switch("iris", "b1", predictions, 1, 1)
    lookup = Lookup(client, control)
    lookup.get("iris", ["a", "b"])
    lookup.get("iris", ["a", "b"])
    lookup.get("iris", ["a", "a"])
    assert [operation for operation, _ in relay.seen] == ["GetItem", "BatchGetItem", "BatchGetItem", "GetItem"]


def test_reads_are_consistent_just_after_a_switch_only(
    relayed: tuple[Any, Relay], generations: Generations, control: str, predictions: str, clock: Clock
) -> None:
    client, relay = relayed
    generations.switch("iris", "b1", predictions, 1, clock.now)
    lookup = Lookup(client, control, clock=clock)
    for wait in (0, 59, 1):
        clock.now += wait
        lookup.get("iris", ["a"])
        lookup.get("iris", ["a", "b"])
    bodies = [(operation, json.loads(body)) for operation, body in relay.seen]
    single = [body["ConsistentRead"] for _, body in bodies if body.get("TableName") == predictions]
    several = [body["RequestItems"][predictions]["ConsistentRead"] for name, body in bodies if name != "GetItem"]
    assert single == several == [True, True, False]


def test_a_deleted_table_leads_to_the_new_generation_at_once(
    lookup: Lookup, generations: Generations, dynamodb: Any, predictions: str
) -> None:
    old = make_table(dynamodb, PREDICTIONS)
    load(dynamodb, old, "b1", ["a"])
    load(dynamodb, predictions, "b2", ["a"])
    generations.switch("iris", "b1", old, 1, 1)
    assert values(lookup.get("iris", ["a"])) == {"a": "b1"}
    generations.switch("iris", "b2", predictions, 1, 1)
    dynamodb.delete_table(TableName=old)
    assert values(lookup.get("iris", ["a"])) == {"a": "b2"}


def test_a_table_that_is_missing_although_it_is_active_is_an_error(lookup: Lookup, generations: Generations) -> None:
    generations.switch("iris", "b1", "no-such-table", 1, 1)
    with pytest.raises(MissingTableError, match="no-such-table does not exist"):
        lookup.get("iris", ["a"])
    assert not lookup.keep("iris", "a", 1, 60)


def test_an_answer_during_switches_has_one_generation(
    lookup: Lookup, generations: Generations, dynamodb: Any, s3_server: str, control: str, predictions: str
) -> None:
    keys = [f"k{number}" for number in range(101)]
    for generation in ("b1", "b2"):
        load(dynamodb, predictions, generation, keys)
    generations.switch("iris", "b1", predictions, 101, 1)
    generations.switch("iris", "b2", predictions, 101, 1)
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            generations.rollback("iris")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        seen = set()
        for _ in range(15):
            looked = Lookup(dynamodb_client(s3_server), control).get("iris", keys)
            assert looked.generation is not None
            assert set(values(looked).values()) == {looked.generation.generation}
            assert len(looked.predictions) == 101
            seen.add(looked.generation.generation)
    finally:
        ended.set()
        thread.join()
    assert seen == {"b1", "b2"}


def test_an_online_prediction_is_kept_unless_the_key_has_one(
    lookup: Lookup, generations: Generations, dynamodb: Any, predictions: str, clock: Clock
) -> None:
    load(dynamodb, predictions, "b1", ["a"])
    generations.switch("iris", "b1", predictions, 1, 1)
    assert not lookup.keep("iris", "a", {"label": "x"}, 60)
    assert lookup.keep("iris", "ü", {"label": "é"}, 60)
    assert not lookup.keep("iris", "ü", {"label": "y"}, 60)
    found = lookup.get("iris", ["a", "ü"]).predictions
    assert (found["a"].value, found["ü"].text, found["ü"].source) == ("b1", '{"label":"é"}', "online")
    clock.now += 61
    assert set(lookup.get("iris", ["a", "ü"]).predictions) == {"a"}
    assert lookup.keep("iris", "ü", {"label": "y"}, 60)


def test_a_prediction_too_large_for_an_item_is_not_kept(
    lookup: Lookup, generations: Generations, predictions: str
) -> None:
    generations.switch("iris", "b1", predictions, 1, 1)
    assert not lookup.keep("iris", "a", "x" * MOST_KEPT_BYTES, 60)


def test_keys_that_dynamodb_cannot_have_are_named() -> None:
    with pytest.raises(ContractError) as caught:
        check_keys(["a", "", "ü" * 1024, "ü" * 1025, "\ud800", 7])  # type: ignore[list-item]
    assert [(each.instance, each.message) for each in caught.value.violations] == [
        (1, "the key must be a text that is not empty"),
        (3, "the key has 2050 bytes, at most 2048 are allowed"),
        (4, "the key has a character without a form in UTF-8"),
        (5, "the key must be a text that is not empty"),
    ]


def test_a_kept_prediction_whose_answer_is_lost_is_written_once(
    relayed: tuple[Any, Relay], generations: Generations, lookup: Lookup, control: str, predictions: str
) -> None:
    client, relay = relayed
    generations.switch("iris", "b1", predictions, 1, 1)
    relay.lost = 1
    Lookup(client, control).keep("iris", "a", 1, 1e9)
    assert values(lookup.get("iris", ["a"])) == {"a": 1}
