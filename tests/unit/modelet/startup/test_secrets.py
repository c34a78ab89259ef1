"""Secrets: read over a real wire into the environment, told apart when they fail, and never printed."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from conftest import NOT_OURS, SIGNED_IN
from modelet.dev.local.prepare import local_function
from modelet.dev.local.runtime.log import MemoryLog
from modelet.dev.local.runtime.once import invoke_once
from modelet.errors import SettingsError, StoreError
from modelet.settings import get_variable
from modelet.startup.secrets import read_secrets
from support.aws import Request, Service, running_service
from support.projects import make_tiny
from support.signatures import is_signed

NAME = "A_TEAM_S_KEY"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:team/key-AbCdEf"
VALUE = "correct horse 정말 battery"


@pytest.fixture(autouse=True)
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a function, without the secret; whatever a test reads into it goes again."""
    for name in (*NOT_OURS, "AWS_ENDPOINT_URL", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in SIGNED_IN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(NAME, "")
    monkeypatch.delenv(NAME)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with running_service() as server:
        server.script = lambda *_: (200, {"SecretString": VALUE})
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.url)
        yield server


@pytest.fixture
def stored(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Put a secret into the emulator, which the environment is told of; gives the ARN."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    client = boto3.client("secretsmanager", region_name="eu-central-1", endpoint_url=s3_server)
    made: list[str] = []

    def store(**value: Any) -> str:
        arn: str = client.create_secret(Name=f"secret-{len(made)}", **value)["ARN"]
        made.append(arn)
        return arn

    yield store
    for arn in made:
        client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


# over the wire


def test_a_secret_of_secrets_manager_becomes_the_variable(stored: Callable[..., str]) -> None:
    read_secrets({NAME: stored(SecretString=VALUE)})
    assert get_variable(NAME) == VALUE


def test_the_call_is_signed_for_the_region_of_the_arn(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-session")
    read_secrets({NAME: ARN})
    [request] = service.seen
    given = {"secret_key": "test", "service": "secretsmanager", "region": "eu-central-1"}
    assert is_signed("POST", "/", dict(request.headers.items()), request.body, **given)
    assert request.headers["X-Amz-Security-Token"] == "a-session"
    assert request.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
    assert json.loads(request.body) == {"SecretId": ARN}


def test_a_variable_that_is_set_is_kept_and_nobody_is_asked(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "")
    read_secrets({NAME: ARN})
    assert get_variable(NAME) == ""
    assert service.seen == []


def test_under_snapstart_the_keys_come_from_where_the_environment_says(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(request: Request, _number: int) -> tuple[int, Any]:
        if request.command == "GET":
            allowed = request.headers["Authorization"] == "a-token" and request.path == "/keys?v=1"
            return 200 if allowed else 403, {"AccessKeyId": "a", "SecretAccessKey": "b", "Token": "c"}
        given = {"secret_key": "b", "service": "secretsmanager", "region": "eu-central-1"}
        assert is_signed("POST", "/", dict(request.headers.items()), request.body, **given)
        return 200, {"SecretString": request.headers["X-Amz-Security-Token"]}

    service.script = script
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{service.url}/keys?v=1")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a-token")
    read_secrets({NAME: ARN})
    assert get_variable(NAME) == "c"


# what fails


@pytest.mark.parametrize(
    "answer",
    [(503, {}), (429, {}), (400, {"__type": "ThrottlingException"}), (400, {"__type": "x#ThrottlingException"}), None],
    ids=["503", "429", "throttled", "throttled by its long name", "hung up"],
)
def test_what_fails_twice_and_then_answers_is_read(service: Service, answer: tuple[int, Any] | None) -> None:
    service.script = lambda _, number: answer if number < 3 else (200, {"SecretString": VALUE})
    read_secrets({NAME: ARN})
    assert get_variable(NAME) == VALUE


def test_what_never_answers_well_is_a_store_error(service: Service) -> None:
    service.script = lambda *_: (500, {"message": "a trouble"})
    with pytest.raises(StoreError, match=r"^127\.0\.0\.1:\d+ did not answer: status 500$"):
        read_secrets({NAME: ARN})
    assert len(service.seen) == 3


def test_a_service_that_is_silent_is_given_up_within_an_init(service: Service) -> None:
    service.script = lambda *_: time.sleep(10)
    began = time.monotonic()
    with pytest.raises(StoreError, match="timed out"):
        read_secrets({NAME: ARN})
    assert time.monotonic() - began < 7


def test_a_dead_endpoint_is_a_store_error(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1")
    with pytest.raises(StoreError, match="Connection refused"):
        read_secrets({NAME: ARN})


def test_a_secret_that_is_not_there_is_named_with_aws_s_own_words(stored: Callable[..., str]) -> None:
    stored(SecretString=VALUE)
    with pytest.raises(SettingsError, match=rf"^secrets\.{NAME}: {ARN}: ResourceNotFoundException: .*find.*: fix "):
        read_secrets({NAME: ARN})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((400, {"__type": "AccessDeniedException", "Message": "not allowed"}), "AccessDeniedException: not allowed"),
        ((403, "nonsense"), "status 403"),
        ((200, {"SecretBinary": base64.b64encode(VALUE.encode()).decode()}), "the secret is not text"),
        ((200, {"SecretString": f"{VALUE}\0"}), "cannot hold the secret's value"),
        ((200, [VALUE]), "the secret is not text"),
    ],
)
def test_what_cannot_be_used_is_named_once_and_not_shown(
    service: Service, answer: tuple[int, Any], reason: str
) -> None:
    service.script = lambda *_: answer
    with pytest.raises(SettingsError) as caught:
        read_secrets({NAME: ARN})
    assert str(caught.value).startswith(f"secrets.{NAME}: ")
    assert reason in str(caught.value)
    assert VALUE not in str(caught.value)
    assert get_variable(NAME) is None
    assert len(service.seen) == 1


@pytest.mark.parametrize("arn", ["", "team/key", "arn:aws:s3:::bucket", "arn:aws:ssm:eu-central-1:1:parameter/x:y"])
def test_what_is_no_arn_of_a_secret_is_refused(arn: str) -> None:
    with pytest.raises(SettingsError, match="is not the ARN of a secret"):
        read_secrets({NAME: arn})


def test_an_environment_without_keys_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(SettingsError, match="AWS_ACCESS_KEY_ID is not set"):
        read_secrets({NAME: ARN})


def test_keys_that_no_header_may_hold_are_not_shown(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "private\nwords")
    with pytest.raises(SettingsError) as caught:
        read_secrets({NAME: ARN})
    assert "private" not in str(caught.value)


# in a function

APP = f"""
import os
from modelet import Model, ModelHandler

class Told(Model[int, int]):
    def load(self, artifacts):
        self.length = len(os.environ["{NAME}"])

    def infer(self, inputs):
        return [self.length for _ in inputs]

handler = ModelHandler(Told)
"""


def test_the_author_s_load_has_it_and_the_log_does_not(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = make_tiny(tmp_path, app=APP, spec=f"secrets: {{{NAME}: '{ARN}'}}\n")
    monkeypatch.setenv(NAME, "only to make the function ready")
    function = local_function(tiny.function, tiny.store)
    environment = dict(function.environment) | SIGNED_IN | {"AWS_ENDPOINT_URL_SECRETS_MANAGER": service.url}
    del environment[NAME]
    for answer in (
        (200, {"SecretString": VALUE}),
        (400, {"__type": "AccessDeniedException", "Message": "not allowed"}),
    ):
        log = MemoryLog()
        service.script = lambda *_, answer=answer: answer
        told = type(function)("tiny", function.folder, function.handler, environment=environment)
        outcome = invoke_once(told, b"1", log=log)
        if answer[0] == 200:
            assert json.loads(outcome.payload) == len(VALUE)
        else:
            assert outcome.error == "SettingsError"
            assert f"secrets.{NAME}" in json.loads(outcome.payload)["errorMessage"]
        assert VALUE not in "\n".join(log.lines)


def test_a_model_without_secrets_imports_nothing_for_them(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    function = local_function(tiny.function, tiny.store)
    seen = {"modelet.startup.secrets", "modelet.aws", "http.client", "ssl", "hmac"}
    script = f"import sys, app; print(*({seen} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=function.folder,
        env=dict(function.environment),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []
