"""Where DynamoDB is, and who signs: from the environment alone."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from modelet.errors import SettingsError
from modelet.features.endpoint import OwnEndpoint
from support.aws import Request, running_service

VARIABLES = (
    "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)  # fmt: skip


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    return monkeypatch


def test_the_endpoint_is_that_of_the_region_or_the_environment_s(environment: pytest.MonkeyPatch) -> None:
    assert (OwnEndpoint().url, OwnEndpoint().region) == ("https://dynamodb.eu-west-1.amazonaws.com", "eu-west-1")
    environment.setenv("AWS_REGION", "cn-north-1")
    assert OwnEndpoint().url == "https://dynamodb.cn-north-1.amazonaws.com.cn"
    environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert OwnEndpoint().url == "http://127.0.0.1:1"
    environment.delenv("AWS_REGION")
    with pytest.raises(SettingsError, match="AWS_REGION is not set"):
        OwnEndpoint()


def test_keys_of_the_environment_are_used(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="no AWS credentials"):
        OwnEndpoint().keys()
    environment.setenv("AWS_ACCESS_KEY_ID", "key")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    environment.setenv("AWS_SESSION_TOKEN", "token")
    assert OwnEndpoint().keys()[:3] == ("key", "secret", "token")


def test_keys_with_an_expiry_are_fetched_again_before_it(environment: pytest.MonkeyPatch) -> None:
    def script(_: Request, number: int) -> tuple[int, Any]:
        left = datetime.timedelta(seconds=200 if number == 1 else 7_200)
        expires = (datetime.datetime.now(datetime.UTC) + left).isoformat()
        return 200, {"AccessKeyId": f"k{number}", "SecretAccessKey": "s", "Token": "t", "Expiration": expires}

    with running_service() as service:
        service.script = script
        environment.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{service.url}/keys")
        endpoint = OwnEndpoint()
        assert [endpoint.keys().access_key for _ in range(3)] == ["k1", "k2", "k2"]
    assert endpoint.tls.check_hostname
