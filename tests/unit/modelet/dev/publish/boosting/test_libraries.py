"""Which library a model is from, and the names of its columns."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import pytest
import xgboost
from sklearn.linear_model import LogisticRegression

from modelet.dev.publish.boosting.costs import GRAPH, NAMES, NATIVE, PICKLED, with_native
from modelet.dev.publish.boosting.libraries import (
    LIBRARIES,
    adapted,
    feature_names,
    is_bare,
    library_of,
    released,
)
from support.boosting import CAT, CATEGORICAL, LGB, XGB, fitted


class Own(lightgbm.LGBMClassifier):
    """A class of an author's own."""


@pytest.mark.parametrize(
    ("model", "library"),
    [
        (lightgbm.LGBMRegressor(), "lightgbm"),
        (Own(), "lightgbm"),
        (xgboost.XGBRanker(), "xgboost"),
        (xgboost.Booster(), "xgboost"),
        (catboost.CatBoost(), "catboost"),
        (catboost.CatBoostRanker(), "catboost"),
        (LogisticRegression(), None),
        (lightgbm.LGBMRegressor, None),
        ("lightgbm", None),
        (None, None),
    ],
)
def test_a_model_is_of_the_library_of_its_class(model: Any, library: str | None) -> None:
    assert library_of(model) == library


def test_a_booster_is_adapted_and_an_estimator_is_not() -> None:
    estimator, _ = fitted(lightgbm.LGBMClassifier(**LGB), "two")()
    assert not is_bare(estimator)
    assert adapted(estimator) is estimator
    assert is_bare(estimator.booster_)
    assert library_of(adapted(estimator.booster_)) == "lightgbm"


@pytest.mark.parametrize(
    "estimator", [lightgbm.LGBMClassifier(**LGB), xgboost.XGBClassifier(**XGB), catboost.CatBoostClassifier(**CAT)]
)
def test_names_that_a_library_made_up_are_none(estimator: Any) -> None:
    assert feature_names(fitted(estimator, "two")()[0]) is None


def test_names_of_a_frame_are_kept() -> None:
    model, frame = fitted(lightgbm.LGBMClassifier(**CATEGORICAL, **LGB), "of_frame", "frame")()
    assert feature_names(model) == list(frame.columns)


def test_a_library_is_named_with_its_distribution_and_version() -> None:
    assert released("xgboost") == ("xgboost-cpu", version("xgboost-cpu"))
    assert released("lightgbm") == ("lightgbm", lightgbm.__version__)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_refused_booster_is_offered_its_own_library_with_the_cost_of_both(library: str) -> None:
    models = {"lightgbm": lightgbm.LGBMClassifier, "xgboost": xgboost.XGBClassifier, "catboost": catboost.CatBoost}
    said = with_native("it differs: set backend: sklearn in model.yaml\n  row 3", models[library]())
    first, second = said.split("\n")
    assert f"set backend: {library} in model.yaml" in first
    assert str(NATIVE[library]) in first
    assert str(GRAPH) in first
    assert second == "  row 3"


def test_the_error_of_another_estimator_stays() -> None:
    assert (
        with_native("set backend: sklearn in model.yaml", LogisticRegression()) == "set backend: sklearn in model.yaml"
    )


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_documents_have_the_costs_that_publish_prints(library: str) -> None:
    text = (Path(__file__).parents[6] / "docs" / "models.md").read_text()
    own, pickled = NATIVE[library], PICKLED[library]
    row = f"| {own.cpu_ms:,} ms, {own.memory_mb} MB | {pickled.cpu_ms:,} ms, {pickled.memory_mb} MB |"
    assert f"| {NAMES[library]} {row}" in text
    assert f"A graph needs {GRAPH.cpu_ms} ms and {GRAPH.memory_mb} MB" in text
