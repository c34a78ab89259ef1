"""models_index answers both payloads of API Gateway: what models there are, the server's part of OIP, and every 404."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.errors import SettingsError
from rungs import Context
from serving import http_event, rest_event

APP = Path(__file__).parents[2] / "functions" / "models_index" / "app.py"
MODELS = [{"name": "breast-cancer", "version": "3"}, {"name": "sentiment", "version": "2026-01"}]

Event = Callable[..., dict[str, Any]]


def load(environ: pytest.MonkeyPatch, models: str) -> ModuleType:
    environ.setenv("MODELET_MODELS", models)
    spec = importlib.util.spec_from_file_location("models_index_app", APP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # FastAPI looks annotations up in the module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[spec.name]
    return module


@pytest.fixture(scope="module")
def index() -> Iterator[ModuleType]:
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as environ:
        asyncio.set_event_loop(runner.get_loop())
        yield load(environ, json.dumps(MODELS))
        asyncio.set_event_loop(None)


@pytest.fixture(params=[http_event, rest_event], ids=["payload 2.0", "payload 1.0"])
def event(request: pytest.FixtureRequest) -> Event:
    made: Event = request.param
    return made


def ask(index: ModuleType, event: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
    response = index.handler(event, Context(aws_request_id="a-request"))
    assert not response["isBase64Encoded"]
    return response["statusCode"], json.loads(response["body"]), response["headers"]


def test_the_models_are_listed_with_the_version_served_and_links(index: ModuleType, event: Event) -> None:
    status, body, headers = ask(index, event("GET", "/models"))
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert headers["x-request-id"] == "a-request"
    assert [{"name": each["name"], "version": each["version"]} for each in body["models"]] == MODELS
    assert body["models"][0]["links"] == {
        "self": "/models/breast-cancer",
        "infer": "/models/breast-cancer/infer",
        "openapi": "/models/breast-cancer/openapi.json",
        "oip": "/v2/models/breast-cancer",
    }


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_server_describes_itself_as_the_open_inference_protocol_says(
    index: ModuleType, event: Event, path: str
) -> None:
    status, body, _ = ask(index, event("GET", path))
    assert status == 200
    assert body == {"name": "modelet", "version": version("modelet"), "extensions": []}


def test_the_server_is_live_and_ready(index: ModuleType, event: Event) -> None:
    assert ask(index, event("GET", "/v2/health/live"))[:2] == (200, {"live": True})
    assert ask(index, event("GET", "/v2/health/ready"))[:2] == (200, {"live": True, "ready": True})


@pytest.mark.parametrize("path", ["/", "/model", "/models/unknown", "/models/unknown/infer", "/docs", "/openapi.json"])
def test_an_unknown_path_is_a_problem(index: ModuleType, event: Event, path: str) -> None:
    status, body, headers = ask(index, event("GET", path))
    assert status == 404
    assert headers["content-type"] == "application/problem+json"
    assert body["status"] == 404
    assert path in body["detail"]
    assert "error" not in body


@pytest.mark.parametrize(
    "path", ["/v2/models/unknown", "/v2/models/unknown/infer", "/v2/health", "/v2/repository/index"]
)
def test_an_unknown_path_of_the_protocol_has_the_error_that_its_clients_read(
    index: ModuleType, event: Event, path: str
) -> None:
    status, body, headers = ask(index, event("POST", path, {"inputs": []}))
    assert status == 404
    assert headers["content-type"] == "application/json"
    assert body["error"] == body["detail"]


@pytest.mark.parametrize("path", ["/models", "/v2", "/v2/health/live"])
def test_another_method_is_told_which_ones_there_are(index: ModuleType, event: Event, path: str) -> None:
    status, body, headers = ask(index, event("POST", path, {}))
    assert status == 405
    assert headers["allow"] == "GET"
    assert "POST" in body["detail"]


@pytest.mark.parametrize(("path", "expected"), [("/prod/models", 200), ("/prod", 404), ("/product/models", 404)])
def test_a_named_stage_is_not_part_of_the_path(index: ModuleType, path: str, expected: int) -> None:
    staged = http_event("GET", path)
    staged["requestContext"]["stage"] = "prod"
    assert ask(index, staged)[0] == expected


@pytest.mark.parametrize("host", ["a:b:c", "[::1]:8000", "localhost:http", ""])
def test_a_host_that_is_nonsense_changes_nothing(index: ModuleType, event: Event, host: str) -> None:
    assert ask(index, event("GET", "/v2", host=host))[0] == 200


@given(method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"]), path=st.text(), body=st.binary())
def test_no_path_and_no_body_makes_it_fail(index: ModuleType, method: str, path: str, body: bytes) -> None:
    status, _, _ = ask(index, http_event(method, f"/{path}", body))
    assert status in {200, 404, 405}


@pytest.mark.parametrize(
    "models", ["", "[", "null", "3", "[3]", '[{"name": "sentiment"}]', '[{"name": 1, "version": 2}]']
)
def test_it_does_not_start_without_its_list_of_models(monkeypatch: pytest.MonkeyPatch, models: str) -> None:
    with pytest.raises(SettingsError, match=r"MODELET_MODELS .* set it to a JSON list"):
        load(monkeypatch, models)
