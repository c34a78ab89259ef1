"""AWS for functions of this laptop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modelet.dev.local.runtime.credentials import Credentials
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.runtime.once import invoke_once

if TYPE_CHECKING:
    from modelet.dev.local.runtime.log import MemoryLog
    from support.clients import Make

ON_S3 = {"MODELET_STORE": "s3://bucket/models"}


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop that signs in by a profile."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text("[profile team]\nregion=eu-west-1\naws_access_key_id=KEY\naws_secret_access_key=SECRET\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_PROFILE", "team")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")


@pytest.mark.usefixtures("profile")
def test_a_function_with_a_store_on_s3_gets_what_its_role_would_give(make: Make, log: MemoryLog) -> None:
    source = (
        "import os\ndef handler(event, context): return {n: v for n, v in os.environ.items() if n.startswith('AWS_')}\n"
    )
    outcome = invoke_once(make(source, environment=ON_S3), b"{}", log=log)
    seen = {name: value for name, value in json.loads(outcome.payload).items() if not name.startswith("AWS_LAMBDA_")}
    assert seen == {
        "AWS_ACCESS_KEY_ID": "KEY",
        "AWS_SECRET_ACCESS_KEY": "SECRET",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }


@pytest.mark.usefixtures("profile")
def test_a_function_with_a_store_in_a_folder_gets_nothing() -> None:
    function = LocalFunction("f", Path(), "app.handler", environment={"MODELET_STORE": "file:///store"})
    assert Credentials([function]).variables() == {}


def test_keys_of_a_session_come_with_their_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
        monkeypatch.setenv(f"AWS_{name}", name.lower())
    given = Credentials([LocalFunction("f", Path(), "app.handler", environment=ON_S3)]).variables()
    assert given["AWS_SESSION_TOKEN"] == "session_token"


@pytest.mark.usefixtures("profile")
def test_a_profile_that_is_not_there_fails_the_init_and_is_named(
    make: Make, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    outcome = invoke_once(make("def handler(event, context): ...\n", environment=ON_S3), b"{}", log=log)
    assert outcome.error == "Runtime.InvalidEntrypoint"
    assert any("AWS sign-in failed" in line and "nobody" in line for line in log.lines)
