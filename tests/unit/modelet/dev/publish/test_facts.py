"""What a manifest says of an estimator."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC

from modelet.dev.publish.facts import LISTED, importance, parameters, runtime

if TYPE_CHECKING:
    from unit.modelet.dev.publish.conftest import Table

NAMES = list("abcdef")


def test_a_forest_ranks_its_features_by_importance(table: Table) -> None:
    ranked = importance(RandomForestClassifier(5, random_state=0).fit(*table.train), NAMES)
    assert sorted(ranked) == NAMES
    assert list(ranked.values()) == sorted(ranked.values(), reverse=True)
    assert sum(ranked.values()) == pytest.approx(1)


def test_a_linear_model_ranks_them_by_the_size_of_its_coefficients(table: Table) -> None:
    model = LogisticRegression().fit(*table.train)
    ranked = importance(make_pipeline(StandardScaler(), model).fit(*table.train), NAMES)
    assert sorted(ranked) == NAMES
    assert min(ranked.values()) >= 0
    three = LogisticRegression().fit(table.rows, np.arange(len(table.rows)) % 3)
    assert importance(three, NAMES)["a"] == pytest.approx(np.abs(three.coef_[:, 0]).mean())
    assert importance(SVC(kernel="linear").fit(*table.train), NAMES)


def test_made_features_have_the_names_that_made_them(table: Table) -> None:
    model = make_pipeline(PolynomialFeatures(2), Ridge()).fit(table.rows, table.rows[:, 0])
    assert "a b" in importance(model, NAMES)


def test_of_the_words_of_a_text_model_the_first_hundred_are_listed() -> None:
    texts = [f"word{number} 좋아요" for number in range(300)]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [0, 1] * 150)
    assert len(importance(model, ["text"])) == LISTED


def test_what_has_no_importance_or_no_names_has_none(table: Table) -> None:
    assert importance(KNeighborsClassifier().fit(*table.train), NAMES) == {}
    nameless = make_pipeline(FunctionTransformer(np.tanh), LogisticRegression()).fit(*table.train)
    assert importance(nameless, NAMES) == {}
    assert importance(LogisticRegression().fit(*table.train), ["a"]) == {}


def test_parameters_are_those_of_the_last_step(table: Table) -> None:
    found = parameters(make_pipeline(StandardScaler(), LogisticRegression(C=3)).fit(*table.train))
    assert found["C"] == 3
    json.dumps(found)
    assert parameters(object()) == {}


def test_parameters_that_are_not_json_are_left_out(table: Table) -> None:
    found = parameters(LogisticRegression(random_state=np.random.RandomState(0)).fit(*table.train))
    assert "random_state" not in found


def test_the_runtime_names_the_python_minor_and_the_libraries() -> None:
    found = runtime("numpy")
    assert found == {"python": platform.python_version().rpartition(".")[0], "numpy": np.__version__}
