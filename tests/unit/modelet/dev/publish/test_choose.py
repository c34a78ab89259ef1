"""With `backend: auto`, the first backend that serves a model exactly is taken, and the manifest says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from modelet.dev.publish.choose import packaged
from modelet.errors import PublishError
from modelet.publishing import Trained
from unit.modelet.dev.publish.parity.test_smoke_test import Heard

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.dev.project.project import Function
    from unit.modelet.dev.publish.conftest import Table


def trained(estimator: Any, table: Table) -> Trained:
    return Trained(estimator=estimator, examples=table.examples, metrics={}, metric="")


def test_a_model_that_compiles_is_served_by_its_graph(make_function: Callable[..., Function], table: Table) -> None:
    heard = Heard()
    found = packaged(make_function(backend="auto"), trained(LogisticRegression().fit(*table.train), table), heard)
    assert found.manifest.model_data == "model.onnx"
    assert found.manifest.model_info["backend"] == "onnx"
    assert "backend_reason" not in found.manifest.model_info
    assert any(step.startswith("backend: onnx (compiled") for step in heard.steps)


def test_a_model_without_an_exact_graph_is_served_by_its_library_with_the_reason(
    make_function: Callable[..., Function], table: Table
) -> None:
    heard = Heard()
    sets = np.c_[table.labels == "yes", table.rows[:, 0] > 0].astype(int)
    estimator = OneVsRestClassifier(LogisticRegression()).fit(table.rows, sets)
    found = packaged(make_function(backend="auto"), trained(estimator, table), heard)
    assert found.manifest.model_data == "model.joblib"
    assert found.manifest.model_info["backend"] == "sklearn"
    why = found.manifest.model_info["backend_reason"]["onnx"]
    assert why == "OneVsRestClassifier has several targets, each with its own labels"
    assert f"backend onnx does not serve the model: {why}" in heard.steps


class Moody(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Rejects all rows but its examples."""

    classes_ = np.array(["no", "yes"])

    def fit(self, rows: Any) -> Moody:
        self.count_ = len(rows)
        return self

    def predict(self, rows: Any) -> Any:
        if len(rows) < 10:
            raise ValueError("too few rows")
        return np.array(["no"] * len(rows))


def test_if_no_backend_serves_a_model_each_says_why(make_function: Callable[..., Function], table: Table) -> None:
    with pytest.raises(PublishError) as refused:
        packaged(make_function(backend="auto"), trained(Moody().fit(table.examples), table), Heard())
    first, *reasons = str(refused.value).splitlines()
    assert first.endswith("no backend serves the model exactly: change what one of them names")
    assert [reason.split(":")[0].strip() for reason in reasons] == ["onnx", "sklearn"]


def test_an_error_of_the_examples_is_said_once(make_function: Callable[..., Function], table: Table) -> None:
    wrong = Trained(estimator=LogisticRegression().fit(*table.train), examples=[[1.0]] * 20, metrics={}, metric="")
    with pytest.raises(PublishError) as refused:
        packaged(make_function(backend="auto"), wrong, Heard())
    assert "\n" not in str(refused.value)


def test_a_class_belongs_to_one_backend(make_function: Callable[..., Function], table: Table) -> None:
    function = make_function(backend="auto")
    (function.folder / "app.py").write_text("")
    with pytest.raises(PublishError, match=r"backend: auto, but the class in app.py belongs to one backend: name it"):
        packaged(function, trained(LogisticRegression().fit(*table.train), table), Heard())
