"""The emulator of AWS that a laptop runs, without its functions: tables, imports and files."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

import boto3
import pytest

from modelet.batch import clients
from modelet.dev.local.emulator.emulator import Emulator

BUCKET = "batches"
NOBODY = "http://127.0.0.1:9"
_places = itertools.count()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The emulator, which keeps nothing after the tests."""
    found = Emulator(tmp_path_factory.mktemp("emulator"))
    asyncio.run(found.start(NOBODY, lambda _line: None))
    yield found
    asyncio.run(found.stop())


@pytest.fixture
def place(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty place in a bucket of the emulator, to which the environment signs in."""
    for name, value in emulator.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the keys of the first test in this process
    clients.client.cache_clear()
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    return f"s3://{BUCKET}/place-{next(_places)}"
