"""A function's own calls of AWS: signed as botocore signs, by keys that are fetched where the environment has none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import NOT_OURS, SIGNED_IN
from modelet.aws import Keys, exchange, find_keys, sign
from modelet.errors import SettingsError, StoreError
from modelet.store.store import Store
from support.aws import Request, Service, running_service
from support.signatures import SIGNED, is_signed, signature

WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/,;"), min_size=1, max_size=40)
LINES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60).filter(str.strip)


@given(
    keys=st.builds(Keys, WORDS, WORDS, st.one_of(st.just(""), WORDS)),
    body=st.binary(max_size=200),
    target=LINES,
    region=st.from_regex(r"[a-z]{2}-[a-z]{4,9}-[1-9]", fullmatch=True),
    host=st.sampled_from(["secretsmanager.eu-central-1.amazonaws.com", "127.0.0.1:4566"]),
    now=st.datetimes().map(lambda moment: moment.strftime("%Y%m%dT%H%M%SZ").rjust(16, "0")),
)
def test_the_signature_is_botocore_s(keys: Keys, body: bytes, target: str, region: str, host: str, now: str) -> None:
    url = f"https://{host}/"
    given = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
    headers = sign(url, given, body, keys, region, "secretsmanager", now)
    found = SIGNED.fullmatch(headers.pop("Authorization"))
    assert found
    assert (found["key"], found["region"], found["service"]) == (keys.access_key, region, "secretsmanager")
    assert found["names"] == ";".join(sorted(name.lower() for name in headers))
    assert ("X-Amz-Security-Token" in headers) == bool(keys.token)
    known = {"secret_key": keys.secret_key, "region": region, "service": "secretsmanager"}
    assert found["signature"] == signature("POST", url, headers, body, **known)


KEYS = {"AccessKeyId": "a", "SecretAccessKey": "b", "Token": "c", "Expiration": "2999-01-01T00:00:00Z"}


@pytest.fixture
def snapstart(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service that gives keys and everything else, in the environment of a function that starts from a snapshot."""
    for name in (*NOT_OURS, *SIGNED_IN):
        monkeypatch.delenv(name, raising=False)
    with running_service() as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{service.url}/keys?v=1")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a-token")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        service.script = lambda request, _: (200, KEYS if request.path == "/keys?v=1" else "an object")
        yield service


def test_keys_are_the_environment_s_own_before_all(snapstart: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own")
    assert find_keys() == Keys("mine", "own")
    assert snapstart.seen == []


def test_under_snapstart_keys_are_fetched_with_the_token(snapstart: Service) -> None:
    assert find_keys() == Keys("a", "b", "c", "2999-01-01T00:00:00Z")
    assert [request.headers["Authorization"] for request in snapstart.seen] == ["a-token"]


def test_under_snapstart_a_model_is_read_from_s3(snapstart: Service) -> None:
    assert Store("s3://bucket/models").read("tiny/1/model.json") == b'"an object"'
    keys, read = snapstart.seen
    assert (keys.headers["Authorization"], read.headers["X-Amz-Security-Token"]) == ("a-token", "c")
    given = {"secret_key": "b", "service": "s3", "region": "us-east-1"}
    assert is_signed("GET", read.path, dict(read.headers.items()), read.body, **given)


@pytest.mark.parametrize("answer", [(200, {}), (200, []), (403, "no"), (500, KEYS)])
def test_keys_that_cannot_be_fetched_are_a_store_error(snapstart: Service, answer: tuple[int, Any]) -> None:
    snapstart.script = lambda *_: answer
    with pytest.raises(StoreError, match=r"credentials cannot be read|did not answer"):
        find_keys()
    with pytest.raises(StoreError) as caught:
        Store("s3://bucket/models").read("tiny/1/model.json")
    assert "\n" not in str(caught.value)


def test_an_environment_that_says_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SIGNED_IN, "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match="AWS_ACCESS_KEY_ID is not set"):
        find_keys()


def test_a_fault_that_passes_is_asked_again_and_the_answer_is_the_last(snapstart: Service) -> None:
    def script(_: Request, number: int) -> tuple[int, Any] | None:
        return None if number == 1 else (502, "") if number == 2 else (404, "nothing")

    snapstart.script = script
    assert exchange("GET", snapstart.url, {}) == (404, b'"nothing"')


def test_https_trusts_the_image_s_certificates_only(snapstart: Service) -> None:
    with pytest.raises(StoreError, match=r"^127\.0\.0\.1:\d+ did not answer: .*SSL"):
        exchange("GET", snapstart.url.replace("http:", "https:"), {})
