"""Predictors as the documents of other servers show them, served with at most one line changed."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

import pytest

from modelet.handler import ModelHandler
from support.predictors import call, make, opened
from support.repository import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "predictors"
STYLES = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())
WEIGHTS = "[1, 2, 3]"
IRIS = "config: {weights: [[1, 0, 0, 0], [0, 0, 0, 2], [0, 0, 2, 0]]}"


def served(style: str) -> str:
    return (FIXTURES / style / "served.py").read_text()


@pytest.mark.parametrize("style", STYLES)
def test_at_most_one_line_is_changed_and_it_is_an_import(style: str) -> None:
    original = (FIXTURES / style / "original.py").read_text().splitlines()
    changes = [line for line in difflib.ndiff(original, served(style).splitlines()) if line[0] in "+-"]

    assert len(changes) in {0, 2}
    assert all("import" in line for line in changes)


def test_every_style_is_here() -> None:
    assert STYLES == ["bentoml", "cortex", "litserve", "sagemaker", "torchserve", "torchserve_module"]


def test_cortex(tmp_path: Path) -> None:
    function = make(tmp_path, served("cortex"), f"predictor: {{module: predictor, class: PythonPredictor}}\n{IRIS}")
    row = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}

    with opened(function) as handler:
        assert call(handler, row) == (200, "text/plain; charset=utf-8", "setosa")
        status, kind, body = call(handler, row, "/models/tool/infer?verbose=true")

    assert (status, kind) == (200, "application/json")
    assert body == {"label": "setosa", "scores": [5.1, 0.4, 2.8], "agent": "curl/8.5.0"}


def test_cortex_with_an_app_py(tmp_path: Path) -> None:
    code = served("cortex") + "\n\nfrom modelet import ModelHandler\n\nhandler = ModelHandler(PythonPredictor)\n"

    with opened(make(tmp_path, code, IRIS)) as handler:
        row = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 4, "petal_width": 0.2}
        assert call(handler, row)[2] == "virginica"


def test_bentoml(tmp_path: Path) -> None:
    function = make(tmp_path, served("bentoml"), "predictor: {module: predictor, class: Summarization}")

    def ask(handler: ModelHandler, api: str, body: Any) -> Any:
        return call(handler, body, f"/models/tool/infer?api={api}")

    with opened(function) as handler:
        assert ask(handler, "summarize", {"text": "Cat: it sat"}) == (200, "text/plain; charset=utf-8", "Cat")
        assert ask(handler, "summarize", {})[2] == "Breaking News"
        assert ask(handler, "lengths", {"texts": ["a", "bcd"]}) == (200, "application/json", [1, 3])
        assert ask(handler, "norm", {"vector": [3, 4]})[2] == 5.0
        unknown, none = ask(handler, "other", {}), call(handler, {"text": "a"})
        wrong = [
            ask(handler, "norm", body) for body in ({}, {"vector": [1], "extra": 2}, [1], {"vector": [[1], [2, 3]]})
        ]

    for status, _, problem in (unknown, none):
        assert (status, problem["detail"]) == (
            400,
            "?api=NAME chooses what is called; the names are lengths, norm, summarize.",
        )
    assert [status for status, _, _ in wrong] == [400] * 4
    assert [problem["detail"] for _, _, problem in wrong] == [
        "The body lacks 'vector'.",
        "The body has 'extra', which is not one of vector.",
        "The body is not a JSON object with vector.",
        "vector is not an array of numbers.",
    ]


def test_litserve(tmp_path: Path) -> None:
    with opened(make(tmp_path, served("litserve"), "predictor: {module: predictor, class: SimpleLitAPI}")) as handler:
        assert call(handler, {"input": 4.0}) == (200, "application/json", {"output": 80.0})


def test_litserve_with_batches(tmp_path: Path) -> None:
    said = "predictor: {module: predictor, class: BatchedLitAPI}\nconfig: {max_batch_size: 4}"
    with opened(make(tmp_path, served("litserve"), said)) as handler:
        assert call(handler, {"input": 3, "unit": "s"})[2] == {"output": 9, "unit": "s"}


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ("torchserve", "predictor: {module: predictor, class: ModelHandler}"),
        ("torchserve_module", "predictor: {module: predictor}"),
    ],
)
def test_torchserve(tmp_path: Path, style: str, said: str) -> None:
    with opened(make(tmp_path, served(style), said, weights_json=WEIGHTS)) as handler:
        status, kind, body = call(handler, [1, 1, 2])

    assert (status, kind, body) == (200, "application/json", {"score": 9} if style == "torchserve" else 9)


def test_sagemaker(tmp_path: Path) -> None:
    function = make(tmp_path, served("sagemaker"), "predictor: {module: predictor}", weights_json=WEIGHTS)

    with opened(function) as handler:
        assert call(handler, [[1, 1, 2]]) == (200, "application/json", {"instances": [{"features": 9}]})
        csv = call(handler, "1,0,0\n0,1,0\n", content_type="text/csv", accept="text/csv")
        failed = call(handler, "<a/>", content_type="text/xml")

    assert csv == (200, "text/csv", "1.0,2.0")
    assert failed[0] == 500
    assert "supported" not in json.dumps(failed[2])
