"""What tests share: stores of both kinds, and the project's models, published once for a test run."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from filelock import FileLock
from hypothesis import settings

from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.project import Project
from modelet.publishing import pin, publish
from modelet.store.store import Store
from support.repository import ROOT

# How long an example takes is no property of the code: this machine may be busy. CI tries the same examples each time,
# so that what lands does not depend on chance; elsewhere each run tries others.
settings.register_profile("modelet", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("modelet")

BUCKET = "models"
SIGNED_IN = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
NOT_OURS = (
    "AWS_CONFIG_FILE",
    "AWS_ENDPOINT_URL_S3",
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
_prefixes = itertools.count()


SLOW = (
    "differential",
    "e2e",
    "functions",
    "infra",
    "integration",
    *(f"unit/modelet/dev/{room}" for room in ("cli", "local", "profile", "publish", "scaffold")),
    "unit/benchmarks",
)
"""Folders whose tests train models, start processes or synthesize stacks: `make fast` leaves them out."""


EMULATED = f"{ROOT}/tests/integration/batch/"
"""The folder whose tests run workers against the emulator of AWS: slow, and counted in the coverage all the same."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests. Refuse a test whose name has an object's address, because test processes would disagree."""
    slow = tuple(f"{ROOT}/tests/{folder}/" for folder in SLOW)
    for item in items:
        if str(item.path).startswith(slow):
            item.add_marker("slow")
        if str(item.path).startswith(EMULATED):
            item.add_marker("emulated")
        if re.search(r" at 0x[0-9a-f]+", item.nodeid):
            raise pytest.UsageError(f"{item.nodeid}: give the case a name without an address (ids=)")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of an S3 emulator on a free port, with one bucket; one for a whole test process."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    with urlopen(Request(f"{url}/{BUCKET}", method="PUT")):
        pass
    yield url
    server.stop()


@pytest.fixture
def s3_url(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty place in the emulator, to which the environment signs in."""
    for name in NOT_OURS:
        monkeypatch.delenv(name, raising=False)
    for name, value in SIGNED_IN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    return f"s3://{BUCKET}/store-{next(_prefixes)}"


@pytest.fixture
def file_store(tmp_path: Path) -> Store:
    """An empty store in a folder."""
    return Store((tmp_path / "a store").as_uri())


@pytest.fixture
def s3_store(s3_url: str) -> Store:
    """An empty store in S3."""
    return Store(s3_url)


@pytest.fixture(params=["file", "s3"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store, once in a folder and once in S3: a test that asks for it runs against both."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """A copy of the project whose models are published into its own store, pinned and bundled."""
    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "published"
    with FileLock(f"{root}.lock"):
        if not (root / "done").exists():
            _publish_all(root)
            (root / "done").touch()
    return Project(root)


def _publish_all(root: Path) -> None:
    generated = shutil.ignore_patterns("bundle.json", "model.lock", "__pycache__")
    for folder in ("functions", "events"):
        shutil.copytree(ROOT / folder, root / folder, ignore=generated)
    project = Project(root)
    store = Store(project.store_url(None))
    for function in project.functions():
        publish(function, store)
        write_bundle(function, store, pin(function, store))
