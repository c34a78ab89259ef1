"""models_index answers both payloads of API Gateway: what models there are, the server's part of OIP, and every 404."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.local.prepare import local_function
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.runtime.log import MemoryLog
from modelet.dev.local.runtime.once import invoke_once
from modelet.errors import SettingsError
from modelet.observability import INIT, STAGES
from support.contexts import Context
from support.events import http_event, rest_event
from support.projects import make_tiny

APP = Path(__file__).parents[2] / "functions" / "models_index" / "app.py"
MODELS = {"breast-cancer": "3", "sentiment": "2026-01"}


@dataclass
class PlatformContext(Context):
    """What Powertools' Logger needs of Lambda's context besides."""

    function_name: str = "modelet-dev-models-index"
    memory_limit_in_mb: int = 512


Event = Callable[..., dict[str, Any]]


def load(environ: pytest.MonkeyPatch, models: str) -> ModuleType:
    environ.setenv("MODELET_MODELS", models)
    environ.syspath_prepend(str(APP.parent))
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
    response = index.handler(event, PlatformContext(aws_request_id="a-request"))
    assert not response["isBase64Encoded"]
    return response["statusCode"], json.loads(response["body"]), response["headers"]


def test_the_models_are_listed_with_the_version_served_and_links(index: ModuleType, event: Event) -> None:
    status, body, headers = ask(index, event("GET", "/models"))
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert headers["x-request-id"] == "a-request"
    assert {each["name"]: each["version"] for each in body["models"]} == MODELS
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
    assert headers["allow"] == "GET, HEAD"
    assert "POST" in body["detail"]


@pytest.mark.parametrize("path", ["/models", "/v2", "/v2/health/live", "/v2/health/ready", "/nowhere"])
def test_a_slash_at_the_end_and_head_change_nothing(index: ModuleType, event: Event, path: str) -> None:
    plain = ask(index, event("GET", path))
    assert ask(index, event("GET", f"{path}/")) == plain
    status, _, headers = ask(index, event("HEAD", path))
    assert (status, headers) == (plain[0], plain[2])


@pytest.mark.parametrize("path", ["/models/sentiment", "/v2/models/sentiment"])
def test_a_model_s_path_with_a_slash_leads_to_the_model(index: ModuleType, event: Event, path: str) -> None:
    response = index.handler(event("POST", f"{path}/"), PlatformContext())
    assert response["statusCode"] == 308
    for url in (f"https://a.example{path}", f"https://a.example/prod/mapped{path}"):
        assert urljoin(f"{url}/", response["headers"]["location"]) == url


@pytest.mark.parametrize("path", ["/models", "/models/sentiment/infer", "/nowhere"])
def test_a_browser_that_asks_whether_it_may_ask_gets_a_status_of_success(
    index: ModuleType, event: Event, path: str
) -> None:
    response = index.handler(event("OPTIONS", path), PlatformContext())
    assert response["statusCode"] == 204
    assert not response["body"]


@pytest.mark.parametrize(("path", "expected"), [("/prod/models", 200), ("/prod", 404), ("/product/models", 404)])
def test_a_named_stage_is_not_part_of_the_path(index: ModuleType, path: str, expected: int) -> None:
    staged = http_event("GET", path)
    staged["requestContext"]["stage"] = "prod"
    assert ask(index, staged)[0] == expected


@pytest.mark.parametrize("path", ["/models", "/v2/health/live", "/nowhere", "/models/v1/models"])
@pytest.mark.parametrize("is_resource", [True, False])
def test_the_mapping_of_a_custom_domain_is_not_part_of_a_rest_api_s_path(
    index: ModuleType, path: str, is_resource: bool
) -> None:
    plain = rest_event("GET", path)
    if is_resource:
        plain |= {"resource": path, "pathParameters": None}
    mapped = {**plain, "path": f"/models/v1{path}"}
    assert ask(index, mapped)[:2] == ask(index, plain)[:2]


@pytest.mark.parametrize("host", ["a:b:c", "[::1]:8000", "localhost:http", ""])
def test_a_host_that_is_nonsense_changes_nothing(index: ModuleType, event: Event, host: str) -> None:
    assert ask(index, event("GET", "/v2", host=host))[0] == 200


@given(method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]), path=st.text(), body=st.binary())
def test_no_path_and_no_body_makes_it_fail(index: ModuleType, method: str, path: str, body: bytes) -> None:
    status, _, _ = ask(index, http_event(method, f"/{path}", body))
    assert status in {200, 404, 405}


@pytest.mark.parametrize(
    "models", ["", "[", "null", "3", "[3]", '[{"name": "sentiment"}]', '{"sentiment": 3}', '{"sentiment": null}']
)
def test_it_does_not_start_without_its_list_of_models(monkeypatch: pytest.MonkeyPatch, models: str) -> None:
    with pytest.raises(SettingsError, match=r"MODELET_MODELS .* set it to a JSON object"):
        load(monkeypatch, models)


class Parameters:
    """SSM's client: what the models' stacks wrote, in two pages, or an error. asked: how often, and for what."""

    def __init__(self) -> None:
        self.values = {"sentiment": "4", "breast-cancer": "3"}
        self.error: Exception | None = None
        self.asked: list[str] = []

    def get_paginator(self, operation: str) -> Parameters:
        assert operation == "get_parameters_by_path"
        return self

    def paginate(self, Path: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - boto3's own name
        self.asked.append(Path)
        if self.error is not None:
            raise self.error
        for name, value in self.values.items():
            yield {"Parameters": [{"Name": f"{Path}/{name}", "Value": value}]}


@pytest.fixture
def parameters(index: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Parameters:
    """What the deployed index reads, instead of its configuration."""
    found = Parameters()
    monkeypatch.setattr(index, "listing", index.Listing({}, "/modelet/dev/models", lambda: found))
    return found


def served(index: ModuleType) -> dict[str, str]:
    status, body, _ = ask(index, http_event("GET", "/models"))
    assert status == 200
    return {each["name"]: each["version"] for each in body["models"]}


def test_in_aws_each_model_s_stack_says_what_it_serves(index: ModuleType, parameters: Parameters) -> None:
    assert list(served(index).items()) == [("breast-cancer", "3"), ("sentiment", "4")]
    assert index.handler(http_event("POST", "/models/sentiment/"), PlatformContext())["statusCode"] == 308
    assert parameters.asked == ["/modelet/dev/models"], "a fresh list is not read again"


def test_a_model_that_is_removed_is_listed_no_more_once_the_list_is_old(
    index: ModuleType, parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "sentiment" in served(index)
    del parameters.values["sentiment"]
    assert "sentiment" in served(index)
    monkeypatch.setattr(sys.modules["listing"], "FRESH_S", 0.0)
    assert served(index) == {"breast-cancer": "3"}


def test_if_the_list_cannot_be_read_again_the_old_one_is_returned_and_the_log_has_the_reason(
    index: ModuleType, parameters: Parameters, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = served(index)
    monkeypatch.setattr(sys.modules["listing"], "FRESH_S", 0.0)
    parameters.error = OSError("no route")
    assert served(index) == before
    [warning] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "OSError: no route" in caplog.text
    assert warning.getMessage() == "the list of models cannot be read, the old one is returned"


def test_where_the_list_was_never_read_the_client_may_try_again(index: ModuleType, parameters: Parameters) -> None:
    parameters.error = OSError("no route to 10.0.0.1")
    status, body, headers = ask(index, http_event("GET", "/models"))
    assert (status, headers["retry-after"]) == (503, "1")
    assert "10.0.0.1" not in json.dumps(body)
    assert ask(index, http_event("GET", "/models/sentiment/"))[0] == 404
    assert ask(index, http_event("GET", "/v2/health/live"))[0] == 200, "health asks for no list"


def test_its_line_is_like_a_model_s_log_and_metrics_at_once(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    models = {"MODELET_MODELS": json.dumps(MODELS), "POWERTOOLS_METRICS_NAMESPACE": "Modelet/dev"}
    index = LocalFunction("models-index", APP.parent, "app.handler", environment=models)
    lines = {}
    for function, path in ((index, "/models/nothing"), (local_function(tiny.function, tiny.store), "/models/tiny")):
        log = MemoryLog()
        given = json.dumps(http_event("GET", path)).encode()
        with ThreadPoolExecutor(1) as aside:  # this thread's event loop is the index's
            aside.submit(invoke_once, function, given, log=log).result()
        [lines[function.name]] = [json.loads(line) for line in log.lines if line.startswith("{")]
    line, model_s = lines["models-index"], lines["tiny"]
    of_models_only = {
        "model",
        "version",
        "ExecutedVersion",
        "instances",
        *(f"{stage}_ms" for stage in (*INIT, *STAGES)),
    }
    assert model_s.keys() - line.keys() == of_models_only
    assert line.keys() - model_s.keys() <= {"xray_trace_id"}
    assert (line["level"], line["status"], line["service"]) == ("WARNING", 404, "models-index")
    assert (line["ColdStart"], line["errors"], line["faults"]) == ([1.0], [1.0], [0.0])
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Modelet/dev", [["service"]])
    for metric in directive["Metrics"]:
        assert metric in [*model_s["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
        assert len(line[metric["Name"]]) == 1


def test_the_second_line_of_an_environment_is_no_cold_start_and_holds_its_own_numbers(
    index: ModuleType, event: Event
) -> None:
    ask(index, event("GET", "/models"))
    assert index.logger.get_current_keys()["cold_start"] is False
    assert index.metrics.metric_set == {}
