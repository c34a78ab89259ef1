"""The clients of AWS."""

from __future__ import annotations

import pytest

from modelet.batch.clients import client


@pytest.fixture(autouse=True)
def fresh(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No client of an earlier test."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    client.cache_clear()


def test_a_client_is_made_once_and_has_the_timeouts_and_retries_of_all() -> None:
    made = client("dynamodb")
    assert client("dynamodb") is made
    config = made.meta.config
    assert (config.connect_timeout, config.read_timeout) == (5, 60)
    assert config.retries == {"mode": "standard", "total_max_attempts": 4}


def test_the_endpoint_is_that_of_the_environment(s3_server: str) -> None:
    assert client("sqs").meta.endpoint_url == s3_server


def test_presigned_urls_have_the_signature_that_every_region_takes() -> None:
    url = client("s3").generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"})
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url


def test_a_client_for_many_threads_keeps_as_many_connections() -> None:
    assert client("dynamodb", connections=32).meta.config.max_pool_connections == 32
