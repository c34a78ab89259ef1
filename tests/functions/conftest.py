"""What tests of one sample model share: its published manifest, and its handler in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelet.dev.project.author import author_modules
from modelet.dev.project.project import Function, Project
from modelet.publishing import publish
from modelet.registry.listing import latest, read_manifest
from modelet.settings import Settings
from modelet.store.manifest import Manifest
from modelet.store.store import Store
from support.batches_api import Api, event_loop, loaded, make_stage
from support.callers import in_process
from support.contexts import Context
from support.events import http_event, rest_event
from support.repository import ROOT

Ask = Callable[[Any], tuple[int, Any]]
"""Sends a body to the module's model: the status and the body of its answer."""


@pytest.fixture(scope="module")
def function(request: pytest.FixtureRequest, published: Project) -> Function:
    """The published function of the test module's FOLDER."""
    return published.function(request.module.FOLDER)


@pytest.fixture(scope="module")
def manifest(function: Function, published: Project) -> Manifest:
    store = Store(published.store_url(None))
    return read_manifest(store, function.name, latest(store, function.name))[0]


@pytest.fixture(scope="module")
def manifest_of_a_second_training(
    function: Function, manifest: Manifest, tmp_path_factory: pytest.TempPathFactory
) -> Manifest:
    store = Store(tmp_path_factory.mktemp("store").as_uri())
    publish(function, store, version=manifest.version)
    return read_manifest(store, function.name, manifest.version)[0]


@pytest.fixture(scope="module")
def ask(function: Function, published: Project) -> Iterator[Ask]:
    settings = Settings(function.folder, published.store_url(None), published.root / "tmp" / "in-process")
    with in_process(function, settings) as handler:

        def send(body: Any) -> tuple[int, Any]:
            response = handler(http_event("POST", f"/models/{function.name}/infer", body), Context())
            return response["statusCode"], json.loads(response["body"])

        yield send


@pytest.fixture(scope="module")
def modules(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Any]]:
    """Imports the author's modules from the folder in the repository."""
    folder: Path = ROOT / "functions" / request.module.FOLDER
    with author_modules(folder) as load:
        yield load


@pytest.fixture(scope="module")
def api(s3_server: str) -> Iterator[Api]:
    """The platform function `batches` and its stage, in the emulator."""
    signed_in = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": s3_server}
    with pytest.MonkeyPatch.context() as environ:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            environ.delenv(name, raising=False)
        for name, value in {**signed_in, "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1"}.items():
            environ.setenv(name, value)
        stage = make_stage(s3_server)
        with event_loop(), loaded(stage.environment()) as module:
            yield Api(module, stage)


@pytest.fixture(params=[http_event, rest_event], ids=["payload 2.0", "payload 1.0"])
def event(request: pytest.FixtureRequest) -> Callable[..., dict[str, Any]]:
    """Builds events of both payloads of API Gateway; a module's own fixture takes its place."""
    made: Callable[..., dict[str, Any]] = request.param
    return made
