"""The routes of docs/design.md."""

from __future__ import annotations

import pytest

from modelet.dev.project.routes import Route, Routes

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
