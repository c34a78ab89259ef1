from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from modelet.batch.outputs.row import Row
from modelet.batch.outputs.table_writer import TableWriter
from modelet.batch.outputs.writer import SignedWriter
from modelet.batch.table import PREDICTIONS
from modelet.errors import RequestError, StoreError
from support.dynamodb_endpoint import FAULTS, REFUSALS, Table, dynamodb


def rows(count: int, first: int = 0) -> list[Row]:
    return [Row(f"k{number}", number, {"n": number}) for number in range(first, first + count)]


def predictions(table: Table) -> dict[str, Any]:
    return {key: json.loads(item["prediction"]["S"]) for key, item in table.items.items()}


def expected(given: list[Row]) -> dict[str, Any]:
    return {row.key: row.prediction for row in given}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delays of a test are short."""
    shorten(monkeypatch)


def shorten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("modelet.batch.outputs.writer.FIRST_DELAY_S", 0.0005)
    patch.setattr("modelet.batch.outputs.writer.LONGEST_DELAY_S", 0.002)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Any]:
    """A boto3 client of moto's DynamoDB, with a prediction table."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=f"http://{host}:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_table(
        TableName="predictions",
        KeySchema=[
            {"AttributeName": PREDICTIONS.partition, "KeyType": "HASH"},
            {"AttributeName": PREDICTIONS.sort, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in PREDICTIONS],
        BillingMode="PAY_PER_REQUEST",
    )
    yield client
    client.close()
    server.stop()


def test_rows_are_read_back_from_dynamodb_as_they_were_written(emulator: Any) -> None:
    given = [Row(key, 0, {"p": 0.1, "text": "é\n\"'"}, {"name": key}) for key in ("a", "name", "é\0/#", "x" * 2048)]
    given += rows(60)
    with SignedWriter(emulator, "predictions", "g1", expires_at=1_900_000_000) as writer:
        assert writer.write(given) == []
    for row in given[:5]:
        found = emulator.get_item(TableName="predictions", Key={"id": {"S": row.key}, "generation": {"S": "g1"}})[
            "Item"
        ]
        assert json.loads(found["prediction"]["S"]) == row.prediction
        assert json.loads(found["passed"]["S"] if row.passed else "null") == row.passed
        assert found["expires_at"] == {"N": "1900000000"}
    assert emulator.scan(TableName="predictions", Select="COUNT")["Count"] == len(given)


def test_a_large_item_is_taken_by_dynamodb_and_a_too_large_one_is_rejected_by_name(emulator: Any) -> None:
    with SignedWriter(emulator, "predictions", "large") as writer:
        (found,) = writer.write([Row("fits", 1, "x" * 404_000), Row("large", 2, "x" * 409_600), *rows(3)])
    assert (found.number, found.key, found.field, found.rule) == (2, "large", "prediction", "item_size")
    assert writer.rows == 4


def test_a_table_that_does_not_exist_is_named_at_once(emulator: Any) -> None:
    writer = SignedWriter(emulator, "no-such-table", "g1")
    writer.write(rows(10))
    with pytest.raises(RequestError, match=r"no-such-table \(ResourceNotFoundException\): .* deploy the stack"):
        writer.close()


@pytest.mark.parametrize("count", [0, 1, 25, 26, 1_000])
def test_every_row_is_in_a_request_of_at_most_25(count: int) -> None:
    with dynamodb() as table, SignedWriter(table.client(), "t", "g1") as writer:
        writer.write(rows(count))
        writer.close()
        assert predictions(table) == expected(rows(count))
        assert len(table.requests) == -(-count // 25)
        assert (writer.rows, writer.retried) == (count, 0)


def test_a_request_has_at_most_16_megabytes() -> None:
    large = [Row(f"k{number}", number, '"' * 200_000) for number in range(50)]  # two bytes each in the item, four sent
    with dynamodb() as table:
        with SignedWriter(table.client(), "t", "g1", timeout=60) as writer:
            assert writer.write(large) == []
        assert max(len(json.dumps(request, separators=(",", ":"))) for request in table.requests) <= 16_000_000
        assert len(table.requests) > 2
        assert set(table.items) == {row.key for row in large}


def test_the_last_row_of_a_key_stays() -> None:
    given = [Row(f"k{number % 7}", number, number) for number in range(200)]
    with dynamodb() as table:
        writer: TableWriter = SignedWriter(table.client(), "t", "g1")
        with writer:
            writer.write(given)
        assert predictions(table) == expected(given)
    assert writer.rows == 200


def test_a_later_row_waits_for_an_earlier_one_of_its_key_that_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelet.batch.outputs.writer.FIRST_DELAY_S", 0.5)
    with dynamodb(["unprocessed"]) as table:
        with SignedWriter(table.client(), "t", "g1") as writer:
            writer.write(rows(26))
            while not table.requests:
                time.sleep(0.001)
            writer.write([Row("k3", 99, "last"), *rows(30, 100)])
        assert predictions(table)["k3"] == "last"
        assert len(table.items) == 56


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_loses_nothing(fault: str, quick: None) -> None:
    with dynamodb([fault] * 8) as table:
        with SignedWriter(table.client(), "t", "g1", threads=2) as writer:
            writer.write(rows(110))
        assert predictions(table) == expected(rows(110))
    assert writer.retried == 8


@settings(max_examples=40)
@given(
    faults=st.lists(st.sampled_from(FAULTS) | st.none(), max_size=19),
    keys=st.lists(st.integers(0, 40), max_size=200),
    threads=st.integers(1, 8),
    cut=st.integers(1, 60),
)
def test_whatever_faults_end_every_key_has_its_last_value(
    faults: list[Any], keys: list[int], threads: int, cut: int
) -> None:
    given = [Row(f"k{key}", number, number) for number, key in enumerate(keys)]
    with pytest.MonkeyPatch.context() as patch, dynamodb(faults) as table:
        shorten(patch)
        with SignedWriter(table.client(), "t", "g1", threads=threads) as writer:
            for start in range(0, len(given), cut):
                assert writer.write(given[start : start + cut]) == []
        assert predictions(table) == expected(given)
    assert writer.rows == len(given)


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "half"])
def test_a_fault_that_does_not_pass_is_an_error(fault: str, quick: None) -> None:
    with dynamodb(then=fault) as table:
        writer = SignedWriter(table.client(), "t", "g1", attempts=4)
        writer.write(rows(5))
        with pytest.raises(StoreError, match="did not take 5 rows of the table t in 4 attempts") as raised:
            writer.close()
    assert raised.value.retryable


def test_progress_begins_the_count_of_attempts_anew(quick: None) -> None:
    with dynamodb(["half", "500", "500"] * 4) as table:
        with SignedWriter(table.client(), "t", "g1", attempts=4) as writer:
            writer.write(rows(25))
        assert len(table.items) == 25


@pytest.mark.parametrize("name", [name for name in REFUSALS if name != "expired"])
def test_a_refusal_names_the_table_and_is_not_tried_again(name: str) -> None:
    with dynamodb(then=name) as table:
        writer = SignedWriter(table.client(), "scores", "g1")
        writer.write(rows(5))
        with pytest.raises(RequestError, match="DynamoDB refuses to write to the table scores") as raised:
            writer.close()
        assert len(table.requests) == 1
    assert not raised.value.retryable
    assert REFUSALS[name] in str(raised.value)
    assert {"denied": "dynamodb:BatchWriteItem", "missing": "deploy", "invalid": "the text of"}[name] in str(
        raised.value
    )


def test_expired_credentials_are_for_another_environment() -> None:
    with dynamodb(then="expired") as table:
        writer = SignedWriter(table.client(), "t", "g1")
        writer.write(rows(5))
        with pytest.raises(StoreError, match="expired"):
            writer.close()


def test_an_error_ends_writing_early_and_never_blocks(quick: None) -> None:
    with dynamodb(then="denied") as table:
        writer = SignedWriter(table.client(), "t", "g1", threads=1)
        with pytest.raises(RequestError):
            writer.write(rows(10_000))
        for _ in range(20):
            with pytest.raises(RequestError):
                writer.write(rows(100))
        with pytest.raises(RequestError):
            writer.close()
        assert len(table.requests) < 10


def test_nothing_is_tried_after_the_deadline() -> None:
    with dynamodb(then="throttled") as table:
        began = time.monotonic()
        writer = SignedWriter(table.client(), "t", "g1", deadline=began + 0.3)
        writer.write(rows(5))
        with pytest.raises(StoreError, match="before the deadline: status 400, ProvisionedThroughputExceeded"):
            writer.close()
        assert time.monotonic() - began < 2


def test_an_answer_that_does_not_come_is_asked_for_again(quick: None) -> None:
    with dynamodb() as table:
        table.hold.clear()
        timer = threading.Timer(0.5, table.hold.set)
        timer.start()
        with SignedWriter(table.client(), "t", "g1", timeout=0.2, attempts=100) as writer:
            writer.write(rows(30))
        timer.join()
        assert predictions(table) == expected(rows(30))
    assert writer.retried > 1


def test_few_batches_are_in_memory_while_dynamodb_is_slow() -> None:
    with dynamodb() as table:
        table.hold.clear()
        writer = SignedWriter(table.client(), "t", "g1", threads=2)
        thread = threading.Thread(target=writer.write, args=(rows(10_000),))
        thread.start()
        time.sleep(0.3)
        assert 100 <= writer.rows <= 6 * 25
        table.hold.set()
        thread.join()
        writer.close()
        assert len(table.items) == 10_000


def test_a_block_that_raises_abandons_what_is_not_written() -> None:
    def fail(writer: SignedWriter) -> None:
        with writer:
            writer.write(rows(200))
            raise KeyError("the model")

    with dynamodb(then="throttled") as table:
        with pytest.raises(KeyError, match="the model"):
            fail(SignedWriter(table.client(), "t", "g1"))
        assert table.items == {}


def test_no_connection_is_refused_after_the_attempts(quick: None) -> None:
    with dynamodb() as table:
        client = table.client()
    writer = SignedWriter(client, "t", "g1", attempts=3)
    writer.write(rows(2))
    with pytest.raises(StoreError, match="refused"):
        writer.close()
