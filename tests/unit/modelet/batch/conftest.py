"""A control table in an emulator, straight and behind a relay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from modelet.batch import clients
from modelet.batch.table import CONTROL
from support.aws import running_service
from support.tables import Clock, Relay, dynamodb_client, make_table


@pytest.fixture(scope="session")
def dynamodb(s3_server: str) -> Any:
    """A client of the emulator."""
    return dynamodb_client(s3_server)


@pytest.fixture
def control(dynamodb: Any) -> str:
    """The name of an empty control table."""
    return make_table(dynamodb, CONTROL)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def relayed(s3_server: str) -> Iterator[tuple[Any, Relay]]:
    """A client of the emulator behind a relay, and the relay."""
    with running_service() as service:
        service.script = relay = Relay(s3_server)
        yield dynamodb_client(service.url), relay


@pytest.fixture
def place(s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty folder for objects; the environment signs in to the emulator, which has the tables."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the keys of the environment
    clients.client.cache_clear()
    yield tmp_path.as_uri()
    clients.client.cache_clear()
