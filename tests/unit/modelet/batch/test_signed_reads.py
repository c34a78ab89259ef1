"""Reads that are signed here: answers as boto3's client gives them, any key, and faults that pass or do not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelet.batch.attributes import to_item
from modelet.batch.dynamodb import MissingTableError, Table, Write
from modelet.batch.signed_reads import SignedReads
from modelet.errors import ServingError, StoreError
from support.aws import Cut, Request, Service, running_service
from support.signatures import is_signed
from support.tables import dynamodb_client, operation, refusal

KEY = {"pk": "a", "sk": "b"}
FOUND = (200, {"Item": to_item(KEY)})
FAULTS: dict[str, Any] = {
    "throttled": refusal("ProvisionedThroughputExceededException"),
    "limited": refusal("RequestLimitExceeded"),
    "500": (500, {"__type": "InternalServerError"}),
    "502 of something else": (502, b"<html>"),
    "503": (503, {"__type": "ServiceUnavailable", "message": "later"}),
    "429 without a name": (429, {}),
    "hung up": None,
    "cut": (200, Cut(json.dumps(FOUND[1]).encode())),
    "not json": (200, b"<html>"),
    "no object": (200, []),
}
"""Answers after which the same call may succeed."""


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A service whose answers a test writes."""
    with running_service() as service:
        yield service


def table(service: Service, *, attempts: int = 5, timeout: float = 5) -> Table:
    """A table of the service with a connection of its own, which does not wait."""
    service.seen.clear()
    return Table(SignedReads(dynamodb_client(service.url), timeout), "rows", attempts=attempts, wait=lambda _: None)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_is_asked_again(service: Service, fault: str) -> None:
    service.script = lambda _, number: FAULTS[fault] if number < 5 else FOUND
    assert table(service).get(KEY) == KEY
    assert len(service.seen) == 5


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_is_an_error_that_may_pass(service: Service, fault: str) -> None:
    service.script = lambda *_: FAULTS[fault]
    with pytest.raises(StoreError, match="table rows did not answer after 5 attempts"):
        table(service).get(KEY)
    assert len(service.seen) == 5


@settings(max_examples=100)
@given(faults=st.lists(st.sampled_from(sorted(FAULTS)), max_size=8))
def test_after_whatever_faults_the_item_is_found_or_the_error_may_pass(faults: list[str]) -> None:
    with running_service() as service:
        service.script = lambda _, number: FAULTS[faults[number - 1]] if number <= len(faults) else FOUND
        try:
            found = table(service).get(KEY)
        except StoreError:
            assert len(faults) >= 5
        else:
            assert (found, len(faults) < 5) == (KEY, True)


def test_a_refusal_is_not_asked_again(service: Service) -> None:
    service.script = lambda *_: refusal("ResourceNotFoundException")
    with pytest.raises(MissingTableError, match="table rows does not exist: deploy"):
        table(service).get(KEY)
    assert len(service.seen) == 1
    service.script = lambda *_: refusal("AccessDeniedException")
    with pytest.raises(ServingError, match=r"AccessDeniedException.*refused") as caught:
        table(service).get(KEY)
    assert not caught.value.retryable
    assert len(service.seen) == 1


def test_an_answer_that_does_not_come_is_asked_again(service: Service) -> None:
    ended = threading.Event()

    def script(_: Request, number: int) -> tuple[int, Any]:
        if number == 1:
            ended.wait(30)
        return FOUND

    service.script = script
    try:
        assert table(service, timeout=0.5).get(KEY) == KEY
    finally:
        ended.set()
    assert len(service.seen) == 2


def test_nobody_at_the_address_is_an_error_that_may_pass() -> None:
    with running_service() as service:
        reads = SignedReads(dynamodb_client(service.url), 5)
    with pytest.raises(StoreError, match="Connection refused"):
        Table(reads, "rows", attempts=2, wait=lambda _: None).get(KEY)


def test_keys_that_are_left_unprocessed_are_asked_again(service: Service) -> None:
    keys = [{"pk": "a", "sk": f"{number}"} for number in range(3)]

    def script(request: Request, number: int) -> Any:
        if number == 2:
            return refusal("ThrottlingException")
        asked = json.loads(request.body)["RequestItems"]["rows"]["Keys"]
        left = {"UnprocessedKeys": {"rows": {"Keys": asked[1:]}}} if asked[1:] else {}
        return 200, {"Responses": {"rows": asked[:1]}, **left}

    service.script = script
    assert table(service).get_many(keys) == keys
    assert len(service.seen) == 4


@given(key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=2_048))
def test_a_key_of_any_text_arrives_as_it_is_under_a_right_signature(service: Service, key: str) -> None:
    arrived: list[str] = []

    def script(request: Request, _: int) -> tuple[int, Any]:
        assert is_signed(
            "POST",
            request.path,
            dict(request.headers),
            request.body,
            secret_key="testing",
            region="eu-west-1",
            service="dynamodb",
        )
        arrived.append(json.loads(request.body)["Key"]["pk"]["S"])
        return 200, {"Item": to_item({"pk": arrived[-1]})}

    service.script = script
    assert table(service, attempts=1).get({"pk": key}) == {"pk": key}
    assert arrived == [key]


def test_an_answer_is_that_of_boto3(dynamodb: Any, control: str) -> None:
    reads = Table(SignedReads(dynamodb, 5), control)
    items = [
        {"pk": "ü\n\0", "sk": str(number), "n": 1.5, "flag": True, "none": [None, {"a": 1}]} for number in range(3)
    ]
    for item in items:
        Table(dynamodb, control).write(Write(item))
    keys = [{"pk": str(item["pk"]), "sk": str(item["sk"])} for item in items]
    assert [reads.get(key) for key in keys] == [Table(dynamodb, control).get(key) for key in keys] == items
    assert sorted(reads.get_many(keys), key=lambda item: str(item["sk"])) == items
    assert reads.get({"pk": "none", "sk": "none"}) is None


def test_requests_go_where_the_environment_says_under_its_keys_of_the_moment(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", service.url)
    client = boto3.client(
        "dynamodb",
        region_name="eu-west-1",
        aws_access_key_id="first",
        aws_secret_access_key="s",
        aws_session_token="token1",
    )
    reads = SignedReads(client, 5)
    signed: list[tuple[str, str, str]] = []

    def script(request: Request, _: int) -> tuple[int, Any]:
        by = request.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
        signed.append((operation(request), by, request.headers["X-Amz-Security-Token"]))
        return FOUND

    service.script = script
    reads.get_item(TableName="rows", Key=to_item(KEY))
    client._get_credentials().access_key, client._get_credentials().token = "second", "token2"
    reads.batch_get_item(RequestItems={"rows": {"Keys": [to_item(KEY)]}})
    assert signed == [("GetItem", "first", "token1"), ("BatchGetItem", "second", "token2")]
