"""The toolbox sample: a plain predictor with two models in one version, chosen by `?model=`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine

from modelet.dev.project.project import Function, Project
from modelet.settings import Settings
from modelet.store.manifest import Manifest
from support.callers import in_process
from support.contexts import Context
from support.events import http_event

FOLDER = "toolbox"
DATA = {"iris": load_iris(), "wine": load_wine()}

Choose = Callable[..., tuple[int, Any]]
Load = Callable[[str], Any]


@pytest.fixture(scope="module")
def choose(function: Function, published: Project) -> Iterator[Choose]:
    """Sends a body to the model of a name."""
    settings = Settings(function.folder, published.store_url(None), published.root / "tmp" / "in-process")
    with in_process(function, settings) as handler:

        def send(name: str | None, body: Any) -> tuple[int, Any]:
            query = "" if name is None else f"?model={name}"
            response = handler(http_event("POST", f"/models/toolbox/infer{query}", body), Context())
            return response["statusCode"], json.loads(response["body"])

        yield send


def rows(name: str, modules: Load) -> list[dict[str, float]]:
    data = DATA[name]
    return [dict(zip(modules("train").columns(data), row, strict=True)) for row in data.data.tolist()]


def test_the_version_has_both_models(manifest: Manifest) -> None:
    assert set(manifest.models or {}) == {"iris", "wine"}
    assert manifest.performance["iris_accuracy"] > 0.94
    assert manifest.performance["wine_accuracy"] > 0.97


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_every_row_of_the_data_is_answered_as_the_estimator_does(choose: Choose, modules: Load, name: str) -> None:
    data = DATA[name]
    labels = data.target_names[data.target]
    estimator = modules("train").new_pipeline().fit(data.data, labels)

    status, predictions = choose(name, rows(name, modules))

    assert status == 200
    assert [each["label"] for each in predictions] == estimator.predict(data.data).tolist()
    found = [[each["probabilities"][label] for label in estimator.classes_] for each in predictions]
    assert np.allclose(found, estimator.predict_proba(data.data), atol=1e-5)


def test_one_row_gets_one_prediction(choose: Choose, modules: Load) -> None:
    status, prediction = choose("iris", rows("iris", modules)[0])

    assert (status, prediction["label"]) == (200, "setosa")


@pytest.mark.parametrize("name", [None, "", "rose", "Iris"])
def test_an_unknown_model_answers_400_with_the_names_that_there_are(choose: Choose, name: str | None) -> None:
    status, problem = choose(name, {})

    assert (status, problem["detail"]) == (400, "?model=NAME chooses the model: the names are iris, wine.")


@pytest.mark.parametrize("body", [[], None, 5, [1], '"text"', [{}] * 1_001])
def test_a_body_that_is_not_rows_answers_400(choose: Choose, body: Any) -> None:
    status, problem = choose("iris", body)

    assert (status, problem["detail"]) == (400, "Send one object with the model's columns, or a list of 1 to 1000.")


def test_a_row_of_the_other_model_is_refused_by_its_columns(choose: Choose, modules: Load) -> None:
    status, problem = choose("iris", [*rows("iris", modules)[:2], rows("wine", modules)[0]])

    assert status == 422
    assert {error["instance"] for error in problem["errors"]} == {2}
    assert "sepal_length" in {error["field"] for error in problem["errors"]}
