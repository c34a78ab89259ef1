"""Events of the gateway are made plain: callers forge no host, and no path has a stage or a mapping."""

from __future__ import annotations

from typing import Any

import pytest

from modelet.platform.gateway import plain, serve
from support.contexts import Context
from support.events import http_event, rest_event


@pytest.mark.parametrize("make", [http_event, rest_event])
def test_the_host_is_left_out_and_other_headers_stay(make: Any) -> None:
    event = make("GET", "/models", accept="text/plain", Host="forged:99999")
    given = plain(event)
    for member in ("headers", "multiValueHeaders"):
        assert "host" not in {name.lower() for name in given[member]}
    assert given["headers"]["accept"] == "text/plain"
    assert "Host" in event["headers"] or "host" in event["headers"], "the event itself is not changed"


@pytest.mark.parametrize(
    ("path", "stage", "plain_path"),
    [
        ("/prod/models/a", "prod", "/models/a"),
        ("/prod", "prod", "/"),
        ("/production", "prod", "/production"),
        ("/models/a", "$default", "/models/a"),
    ],
)
def test_a_path_of_an_http_api_has_no_stage(path: str, stage: str, plain_path: str) -> None:
    event = http_event("GET", path)
    event["requestContext"]["stage"] = stage
    assert plain(event)["requestContext"]["http"]["path"] == plain_path


@pytest.mark.parametrize(
    ("resource", "parameters", "path"),
    [
        ("/models/{proxy+}", {"proxy": "a/infer"}, "/models/a/infer"),
        ("/models/{name}/jobs/{id}", {"name": "a", "id": "a.1"}, "/models/a/jobs/a.1"),
        ("/models", None, "/models"),
    ],
)
def test_a_path_of_a_rest_api_is_its_resource_s(resource: str, parameters: Any, path: str) -> None:
    event = rest_event("GET", f"/mapped{path}")
    assert plain({**event, "resource": resource, "pathParameters": parameters})["path"] == path


class Recorder:
    """A logger and metrics in one: what Powertools would write."""

    def __init__(self) -> None:
        self.metrics: dict[str, Any] = {}
        self.lines: list[tuple[str, int]] = []

    def get_current_keys(self) -> dict[str, Any]:
        return {"cold_start": True}

    def add_metric(self, name: str, unit: str, value: float) -> None:
        self.metrics[name] = (unit, value)

    def serialize_metric_set(self) -> dict[str, Any]:
        return {}

    def clear_metrics(self) -> None:
        pass

    def info(self, _message: str, *, status: int) -> None:
        self.lines.append(("info", status))

    def warning(self, _message: str, *, status: int) -> None:
        self.lines.append(("warning", status))

    def error(self, _message: str, *, status: int) -> None:
        self.lines.append(("error", status))


@pytest.mark.parametrize(
    ("status", "level", "errors", "faults"), [(200, "info", 0, 0), (404, "warning", 1, 0), (503, "error", 0, 1)]
)
def test_an_answer_has_the_id_of_its_line(status: int, level: str, errors: int, faults: int) -> None:
    seen = Recorder()
    context = Context(aws_request_id="a-request")
    answer = serve(lambda *_: {"statusCode": status, "headers": {}}, http_event("GET", "/models"), context, seen, seen)
    assert answer["headers"] == {"x-request-id": "a-request"}
    assert seen.lines == [(level, status)]
    counts = {name: seen.metrics[name] for name in ("ColdStart", "errors", "faults")}
    assert counts == {"ColdStart": ("Count", 1), "errors": ("Count", errors), "faults": ("Count", faults)}
    assert seen.metrics["total_ms"][0] == "Milliseconds"
