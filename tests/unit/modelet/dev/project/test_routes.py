"""The routes of docs/design.md."""

from __future__ import annotations

import pytest

from modelet.dev.project.routes import BATCH_ROUTES, Route, Routes

ROUTES = Routes(["sentiment", "breast-cancer"], "models-index")


@pytest.mark.parametrize(
    ("path", "function", "key", "parameters"),
    [
        ("/models/sentiment", "sentiment", "ANY /models/sentiment", {}),
        ("/models/sentiment/infer", "sentiment", "ANY /models/sentiment/{proxy+}", {"proxy": "infer"}),
        ("/models/breast-cancer/a/b/", "breast-cancer", "ANY /models/breast-cancer/{proxy+}", {"proxy": "a/b/"}),
        ("/v2/models/sentiment", "sentiment", "ANY /v2/models/sentiment", {}),
        (
            "/v2/models/sentiment/versions/1/infer",
            "sentiment",
            "ANY /v2/models/sentiment/{proxy+}",
            {"proxy": "versions/1/infer"},
        ),
        ("/models", "models-index", "$default", {}),
        ("/models/", "models-index", "$default", {}),
        ("/models/sentiment/", "models-index", "$default", {}),
        ("/models/nobody/infer", "models-index", "$default", {}),
        ("/models/models-index/infer", "models-index", "$default", {}),
        ("/v2/health/live", "models-index", "$default", {}),
        ("/", "models-index", "$default", {}),
    ],
)
def test_a_path_has_its_function(path: str, function: str, key: str, parameters: dict[str, str]) -> None:
    route = ROUTES.match(path)
    assert route is not None
    assert (route.function, route.key, route.parameters) == (function, key, parameters)


def test_without_a_default_there_is_no_route_for_the_rest() -> None:
    routes = Routes(["sentiment"])
    assert routes.match("/models/nobody") is None
    assert routes.match("/models/sentiment") == Route("sentiment", "/models/sentiment")


HTTP = Routes(["sentiment"], "models-index", "batches")
REST = Routes(["sentiment"], "models-index", "batches", tree=True)
NO_ROUTE: tuple[str, str, dict[str, str]] = ("", "", {})


def found(routes: Routes, path: str) -> tuple[str, str, dict[str, str]]:
    route = routes.match(path)
    return (route.function, route.resource, dict(route.parameters)) if route else NO_ROUTE


@pytest.mark.parametrize(
    ("path", "function", "resource", "parameters"),
    [
        ("/models/sentiment/batches", "batches", "/models/{name}/batches", {"name": "sentiment"}),
        ("/models/nobody/batches", "batches", "/models/{name}/batches", {"name": "nobody"}),
        ("/models/sentiment/jobs/7", "batches", "/models/{name}/jobs/{id}", {"name": "sentiment", "id": "7"}),
        (
            "/models/sentiment/batches/7/resume",
            "batches",
            "/models/{name}/batches/{id}/{part}",
            {"name": "sentiment", "id": "7", "part": "resume"},
        ),
        ("/jobs/7", "batches", "/jobs/{id}", {"id": "7"}),
        ("/models/sentiment/infer", "sentiment", "/models/sentiment/{proxy+}", {"proxy": "infer"}),
        ("/models/sentiment", "sentiment", "/models/sentiment", {}),
        ("/models/sentiment/batches/", "sentiment", "/models/sentiment/{proxy+}", {"proxy": "batches/"}),
        ("/models/sentiment/batches/7/x/", "sentiment", "/models/sentiment/{proxy+}", {"proxy": "batches/7/x/"}),
        ("/models/sentiment/batches/7/8/x", "sentiment", "/models/sentiment/{proxy+}", {"proxy": "batches/7/8/x"}),
        ("/v2/models/sentiment/batches", "sentiment", "/v2/models/sentiment/{proxy+}", {"proxy": "batches"}),
        ("/models//batches", "models-index", "", {}),
        ("/jobs", "models-index", "", {}),
        ("/jobs/7/x", "models-index", "", {}),
    ],
)
def test_an_http_api_prefers_a_full_match_with_variables_to_a_greedy_one(
    path: str, function: str, resource: str, parameters: dict[str, str]
) -> None:
    assert found(HTTP, path) == (function, resource, parameters)


@pytest.mark.parametrize(
    ("path", "function", "resource", "parameters"),
    [
        ("/models/sentiment/batches", "batches", "/models/sentiment/batches", {}),
        ("/models/sentiment/predictions/a", "batches", "/models/sentiment/predictions/{key}", {"key": "a"}),
        ("/jobs/7", "batches", "/jobs/{id}", {"id": "7"}),
        ("/models/nobody/batches", "models-index", "", {}),
        ("/models/sentiment/infer", "sentiment", "/models/sentiment/{proxy+}", {"proxy": "infer"}),
        ("/models/sentiment/batches/7/x", "batches", "/models/sentiment/batches/{id}/{part}", {"id": "7", "part": "x"}),
        ("/models/sentiment/batches/7/8/x", *NO_ROUTE),
        ("/models/sentiment/uploads/x", *NO_ROUTE),
        ("/jobs/7/x", "models-index", "", {}),
    ],
)
def test_a_rest_api_goes_no_other_way_below_a_fixed_part(
    path: str, function: str, resource: str, parameters: dict[str, str]
) -> None:
    assert found(REST, path) == (function, resource, parameters)


def test_without_the_platform_function_all_paths_of_a_model_are_the_model_s() -> None:
    for template in BATCH_ROUTES[:8]:
        path = template.format(name="sentiment", id="7", key="a", part="resume")
        assert ROUTES.match(path) == Route("sentiment", "/models/sentiment/{proxy+}", {"proxy": path[18:]})


def test_an_event_has_the_key_and_the_parameters_of_a_shared_route() -> None:
    route = HTTP.match("/models/sentiment/predictions/a%20b")
    assert route is not None
    assert route.key == "ANY /models/{name}/predictions/{key}"
    assert route.parameters == {"name": "sentiment", "key": "a%20b"}
