"""What the package's tests share: a tiny project, a disk that takes little, and a control table in an emulator."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelet.batch.table import CONTROL
from modelet.store.download import PART
from support.aws import running_service
from support.projects import Tiny, make_tiny
from support.tables import Clock, Relay, dynamodb_client, make_table


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """A project with one function, published and bundled."""
    return make_tiny(tmp_path)


@pytest.fixture
def small_files() -> Iterator[None]:
    """While a test runs, files of this process grow no larger than half a part."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (PART // 2, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)


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
