"""What tests of batches share: a folder for objects, and the emulator that has their tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from modelet.batch import clients


@pytest.fixture
def place(s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty folder for objects; the environment signs in to the emulator, which has the tables."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the keys of the environment
    clients.client.cache_clear()
    yield tmp_path.as_uri()
    clients.client.cache_clear()
