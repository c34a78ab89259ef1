"""Every model of functions/, every event of events/: one answer in process, through awslambdaric, and over HTTP.

A new model is tested here by being there: it needs its folder and its events, and no line of this file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from modelet.dev.local.prepare import local_function
from modelet.dev.local.runtime.once import invoke_once
from modelet.dev.project.project import Function, Project
from modelet.store.store import Store
from support.callers import answered, essence, over_http
from support.repository import ROOT
from support.samples import EVERY_EVENT, FOLDERS, status
from support.servers import serving

EVENTS = ("infer", "infer_batch", "infer_invalid", "ready")


@pytest.fixture(scope="module")
def gateways(published: Project) -> Iterator[dict[str, str]]:
    """The URLs of two local gateways that serve every model, by the payload version of their events."""
    store = Store(published.store_url(None))
    functions = [local_function(function, store) for function in published.functions()]
    with serving(functions) as http, serving(functions, rest=True) as rest:
        yield {"2.0": http, "1.0": rest}


@pytest.fixture
def gateway(gateways: dict[str, str]) -> str:
    """The URL of the HTTP API."""
    return gateways["2.0"]


def client(function: Function, project: Project, event: Any) -> Any:
    outcome = invoke_once(local_function(function, Store(project.store_url(None))), json.dumps(event).encode())
    assert outcome.error is None, outcome.payload
    return json.loads(outcome.payload)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_model_has_every_event(folder: str) -> None:
    have = {path.stem for path in (ROOT / "events" / folder).glob("*.json")}
    assert set(EVENTS) <= have


@pytest.mark.parametrize(("folder", "path"), EVERY_EVENT, ids=lambda value: getattr(value, "stem", value))
def test_an_event_is_answered_the_same_on_every_rung(
    folder: str, path: Any, published: Project, gateways: dict[str, str]
) -> None:
    function = published.function(folder)
    event = json.loads(path.read_text())
    first = answered(published, folder, event, published.root / "tmp" / folder)
    assert first["status"] == status(folder, path.stem), first["body"]
    lock = function.lock()
    assert lock is not None
    assert first["headers"]["x-model-version"] == lock.version
    assert essence(client(function, published, event)) == first
    assert essence(over_http(gateways[event.get("version", "1.0")], event)) == first


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_model_describes_itself(folder: str, published: Project, gateway: str) -> None:
    name = published.function(folder).name
    described = httpx.get(f"{gateway}/models/{name}").json()
    assert described["model"] == name
    if described["metric"]:  # some versions have no figures: those of `--from`, and embeddings
        assert described["performance"][described["metric"]] > 0
    document = httpx.get(gateway + described["links"]["openapi"]).json()
    assert described["links"]["infer"] in document["paths"]
    assert httpx.get(f"{gateway}{described['links']['oip']}/ready").status_code == 200


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_model_s_openapi_document_is_valid(folder: str, published: Project) -> None:
    from openapi_spec_validator import validate

    bundle = json.loads(published.function(folder).bundle_path.read_text())
    validate(json.loads(bundle["openapi"]))


@pytest.mark.parametrize("folder", FOLDERS)
def test_bundling_again_leaves_no_difference(folder: str, published: Project) -> None:
    from modelet.dev.bundle.bundle import write_bundle

    function = published.function(folder)
    before = function.bundle_path.read_bytes()
    lock = function.lock()
    assert lock is not None
    write_bundle(function, Store(published.store_url(None)), lock)
    assert function.bundle_path.read_bytes() == before
