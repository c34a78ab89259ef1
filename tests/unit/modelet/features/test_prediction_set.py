"""Reading a prediction set by key: one generation in every answer, through DynamoDB's faults."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelet.batch.attributes import to_item
from modelet.batch.generations import Generations
from modelet.batch.signed import Endpoint
from modelet.batch.table import PREDICTIONS
from modelet.deadline import Alarm, Deadline, disarm
from modelet.errors import ServingError, StoreError, TooLargeError
from modelet.features.errors import NoFeaturesError
from modelet.features.prediction_set import MOST_ATTEMPTS, MOST_DISTINCT, PredictionSet, Row
from support.aws import Cut, Request, running_service
from support.faulty import faulty
from support.tables import Clock, Relay, dynamodb_client, make_table, refusal

BATCH = "20260101T000000000Z-0000000a"
MADE = 1_767_225_600.0


@pytest.fixture
def predictions(dynamodb: Any) -> str:
    """The name of an empty prediction table."""
    return make_table(dynamodb, PREDICTIONS)


@pytest.fixture
def generations(dynamodb: Any, control: str) -> Generations:
    return Generations(dynamodb, control)


def load(client: Any, table: str, generation: str, keys: list[str], **members: Any) -> None:
    for key in keys:
        text = json.dumps({"generation": generation, "key": key})
        item = {"id": key, "generation": generation, "prediction": text, "source": "batch", **members}
        client.put_item(TableName=table, Item=to_item(item))


def reader(client: Any, control: str, clock: Callable[[], float] = time.time, **more: Any) -> PredictionSet:
    return PredictionSet("iris", control, Endpoint(client), clock=clock, **more)


def test_rows_are_those_of_the_active_generation(
    dynamodb: Any, control: str, generations: Generations, predictions: str
) -> None:
    load(dynamodb, predictions, "b1", ["a", "b"])
    load(dynamodb, predictions, "b2", ["b", "c"], passed=json.dumps({"name": "x"}))
    generations.switch("iris", "b2", predictions, 2, 1)
    rows = reader(dynamodb, control).rows(["a", "b", "c", "c"])
    assert rows == {key: Row({"generation": "b2", "key": key}, {"name": "x"}) for key in ("b", "c")}
    assert reader(dynamodb, control).rows([]) == {}
    assert list(reader(dynamodb, control).rows(["b"])) == ["b"]


def test_a_warm_read_is_one_call_and_a_hundred_keys_are_one_more(
    relayed: tuple[Any, Relay], dynamodb: Any, generations: Generations, control: str, predictions: str
) -> None:
    client, relay = relayed
    keys = [f"k{number}" for number in range(130)]
    load(dynamodb, predictions, "b1", keys)
    generations.switch("iris", "b1", predictions, 130, 1)
    found = reader(client, control)
    found.rows(["k1"])
    found.rows(["k1", "k2"])
    assert set(found.rows(keys)) == set(keys)
    names = [operation for operation, _ in relay.seen]
    assert names == ["GetItem", "GetItem", "BatchGetItem", "BatchGetItem", "BatchGetItem"]


def test_reads_are_consistent_just_after_a_switch_only(
    relayed: tuple[Any, Relay], generations: Generations, control: str, predictions: str, clock: Clock
) -> None:
    client, relay = relayed
    generations.switch("iris", "b1", predictions, 1, clock.now)
    found = reader(client, control, clock)
    for wait in (0, 59, 1):
        clock.now += wait
        found.rows(["a"])
    bodies = [json.loads(body) for _, body in relay.seen]
    assert [body["ConsistentRead"] for body in bodies if body["TableName"] == predictions] == [True, True, False]


def test_a_set_without_a_generation_is_unavailable(dynamodb: Any, control: str) -> None:
    with pytest.raises(NoFeaturesError, match="iris has no predictions yet: run a batch of iris") as caught:
        reader(dynamodb, control).rows(["a"])
    assert (caught.value.status, caught.value.retryable, caught.value.headers) == (503, True, {"retry-after": "1"})
    assert caught.value.detail == str(caught.value)


def test_expired_rows_are_absent_and_an_expired_generation_is_unavailable(
    dynamodb: Any, control: str, predictions: str, clock: Clock
) -> None:
    until = int(clock.now) + 100
    load(dynamodb, predictions, "b1", ["a"], expires_at=until)
    load(dynamodb, predictions, "b1", ["b"], expires_at=int(clock.now))
    switching = Generations(dynamodb, control, clock=clock)
    switching.switch("iris", "b1", predictions, 1, clock.now, until=until)
    assert set(reader(dynamodb, control, clock).rows(["a", "b"])) == {"a"}
    clock.now = until
    with pytest.raises(NoFeaturesError, match="expired at"):
        reader(dynamodb, control, clock).rows(["a"])


def test_a_generation_older_than_max_age_is_unavailable_even_after_a_rollback(
    dynamodb: Any, control: str, generations: Generations, predictions: str
) -> None:
    clock = Clock(MADE + 3_600)
    load(dynamodb, predictions, BATCH, ["a"])
    generations.switch("iris", BATCH, predictions, 1, MADE + 3_599)
    assert set(reader(dynamodb, control, clock, max_age_s=3_600).rows(["a"])) == {"a"}
    clock.now += 1
    with pytest.raises(NoFeaturesError, match="is of 2026-01-01 00:00 UTC, older than"):
        reader(dynamodb, control, clock, max_age_s=3_600).rows(["a"])


def test_a_deleted_table_leads_to_the_new_generation_at_once(
    dynamodb: Any, control: str, generations: Generations, predictions: str
) -> None:
    old = make_table(dynamodb, PREDICTIONS)
    load(dynamodb, old, "b1", ["a"])
    load(dynamodb, predictions, "b2", ["a"])
    generations.switch("iris", "b1", old, 1, 1)
    found = reader(dynamodb, control)
    assert found.rows(["a"])["a"].prediction["generation"] == "b1"
    generations.switch("iris", "b2", predictions, 1, 1)
    dynamodb.delete_table(TableName=old)
    assert found.rows(["a"])["a"].prediction["generation"] == "b2"


def test_a_table_that_is_missing_although_it_is_active_is_an_error(
    dynamodb: Any, control: str, generations: Generations
) -> None:
    generations.switch("iris", "b1", "no-such-table", 1, 1)
    with pytest.raises(ServingError, match="no-such-table does not exist"):
        reader(dynamodb, control).rows(["a"])
    with pytest.raises(ServingError, match="no-such-control does not exist"):
        reader(dynamodb, "no-such-control").rows(["a"])


def test_an_answer_during_switches_has_one_generation(
    dynamodb: Any, control: str, generations: Generations, predictions: str
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
            rows = reader(dynamodb, control).rows(keys)
            made = {row.prediction["generation"] for row in rows.values()}
            assert (len(rows), len(made)) == (101, 1)
            seen |= made
    finally:
        ended.set()
        thread.join()
    assert seen == {"b1", "b2"}


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(st.sampled_from(["a", "b", "ü", "7", "x", "y"]), max_size=30))
def test_rows_equal_those_of_a_dict_for_any_keys(
    asked: list[str], dynamodb: Any, control: str, generations: Generations, predictions: str
) -> None:
    load(dynamodb, predictions, "b1", ["a", "b", "ü", "7"])
    generations.switch("iris", "b1", predictions, 4, 1)
    rows = reader(dynamodb, control).rows(asked)
    assert {key: row.prediction["key"] for key, row in rows.items()} == {key: key for key in asked if key in "abü7"}


def test_too_many_keys_are_refused() -> None:
    with running_service() as service, pytest.raises(TooLargeError, match="10001 distinct keys"):
        reader(dynamodb_client(service.url), "control").rows([str(number) for number in range(MOST_DISTINCT + 1)])


POINTER = {"Item": to_item({"pk": "model#iris", "sk": "active", "generation": "b1", "table": "t", "since": 1.0})}
FOUND = {"Item": to_item({"id": "a", "generation": "b1", "prediction": "1"})}
Answer = tuple[int, Any] | None


def scripted(*answers: Answer | Callable[[], Answer]) -> Callable[[Request, int], Answer]:
    """The pointer first, then these answers, the last one for ever."""

    def script(_: Request, number: int) -> Answer:
        if number == 1:
            return 200, POINTER
        answer = answers[min(number - 2, len(answers) - 1)]
        return answer() if callable(answer) else answer

    return script


FAULTS: dict[str, Answer] = {
    "throttled": refusal("ProvisionedThroughputExceededException"),
    "limited": refusal("RequestLimitExceeded"),
    "500": (500, {"__type": "InternalServerError"}),
    "503": (503, b"no JSON"),
    "hung up": None,
    "cut": (200, Cut(b'{"Item')),
    "not json": (200, b"<html>"),
    "a list": (200, []),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_is_tried_again(name: str) -> None:
    with running_service() as service:
        service.script = scripted(FAULTS[name], FAULTS[name], (200, FOUND))
        assert reader(dynamodb_client(service.url), "control").rows(["a"]) == {"a": Row(1, {})}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_stays_is_a_503_after_some_attempts(name: str) -> None:
    with running_service() as service:
        service.script = scripted(FAULTS[name])
        with pytest.raises(StoreError, match="table t did not answer") as caught:
            reader(dynamodb_client(service.url), "control").rows(["a"])
        assert caught.value.status == 503
        assert "table t" not in caught.value.detail
        assert len(service.seen) == 1 + MOST_ATTEMPTS


@pytest.mark.parametrize("name", ["AccessDeniedException", "ValidationException", "UnrecognizedClientException"])
def test_a_refusal_is_not_tried_again(name: str) -> None:
    with running_service() as service:
        service.script = scripted(refusal(name))
        with pytest.raises(ServingError, match=name) as caught:
            reader(dynamodb_client(service.url), "control").rows(["a"])
        assert (caught.value.status, caught.value.retryable, len(service.seen)) == (500, False, 2)


def batch_answer(found: list[str], left: list[str]) -> Answer:
    keys = [to_item({"id": key, "generation": "b1"}) for key in left]
    items = [to_item({"id": key, "generation": "b1", "prediction": f'"{key}"'}) for key in found]
    return 200, {"Responses": {"t": items}, "UnprocessedKeys": {"t": {"Keys": keys}} if keys else {}}


def test_unprocessed_keys_are_asked_for_again() -> None:
    asked: list[list[str]] = []
    answers = scripted(batch_answer(["a"], ["b", "c"]), batch_answer(["c"], ["b"]), batch_answer(["b"], []))

    def script(request: Request, number: int) -> Answer:
        if number > 1:  # the first one reads the pointer
            keys = json.loads(request.body)["RequestItems"]["t"]["Keys"]
            asked.append([key["id"]["S"] for key in keys])
        return answers(request, number)

    with running_service() as service:
        service.script = script
        rows = reader(dynamodb_client(service.url), "control").rows(["a", "b", "c"])
        assert {key: row.prediction for key, row in rows.items()} == {"a": "a", "b": "b", "c": "c"}
    assert asked == [["a", "b", "c"], ["b", "c"], ["b"]]


def test_keys_that_stay_unprocessed_are_never_taken_for_missing_ones() -> None:
    with running_service() as service:
        service.script = scripted(batch_answer(["a"], ["b"]))
        with pytest.raises(StoreError, match="leaves 1 keys unprocessed"):
            reader(dynamodb_client(service.url), "control").rows(["a", "b"])


def test_a_slow_table_ends_in_a_503_before_the_deadline() -> None:
    def slow() -> Answer:
        time.sleep(5)
        return 200, FOUND

    with running_service() as service:
        service.script = scripted(slow)
        try:
            with Deadline(1.1), pytest.raises(StoreError):
                reader(dynamodb_client(service.url), "control").rows(["a"])
        except Alarm:
            disarm()
            pytest.fail("the deadline came first")


@pytest.mark.parametrize("seed", range(3))
def test_rows_are_right_through_a_proxy_with_faults(
    seed: int, s3_server: str, dynamodb: Any, control: str, generations: Generations, predictions: str
) -> None:
    keys = [f"k{number}" for number in range(150)]
    load(dynamodb, predictions, "b1", keys)
    generations.switch("iris", "b1", predictions, 150, 1)
    with faulty(s3_server, seed) as proxy:
        found = reader(dynamodb_client(proxy.url), control)
        for number in range(20):
            assert found.rows([keys[number]])[keys[number]].prediction["key"] == keys[number]
            assert set(found.rows([*keys, "x"])) == set(keys)
        assert len(proxy.seen) >= 3


def test_a_relay_names_the_operations_that_a_role_needs(
    relayed: tuple[Any, Relay], generations: Generations, control: str, predictions: str
) -> None:
    client, relay = relayed
    generations.switch("iris", "b1", predictions, 1, 1)
    reader(client, control).rows(["a"])
    reader(client, control).rows(["a", "b"])
    assert {name for name, _ in relay.seen} == {"GetItem", "BatchGetItem"}
