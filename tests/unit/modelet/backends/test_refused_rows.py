"""Rows that an estimator or its graph cannot take: they are the caller's to change, and named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from sklearn.naive_bayes import CategoricalNB
from sklearn.tree import DecisionTreeClassifier
from typing_extensions import TypedDict

from modelet.artifacts import Artifacts
from modelet.backends.onnx import OnnxModel
from modelet.backends.sklearn import SklearnModel
from modelet.contract import Contract
from modelet.core import tighten
from modelet.errors import ContractError
from modelet.layout import manifest_path
from modelet.model import Model
from modelet.observability import Timings
from modelet.pipeline import InferencePipeline
from modelet.store import Store
from versions import classifier, joblib_bytes, onnx_bytes, write_version


class Row(TypedDict):
    a: float
    b: float


def loaded(kind: type[Model[Any, Any]], estimator: Any, tmp_path: Path) -> Model[Any, Any]:
    store = Store((tmp_path / "store").as_uri())
    onnx = issubclass(kind, OnnxModel)
    data = onnx_bytes(estimator) if onnx else joblib_bytes(estimator)
    lock = write_version(store, {"model.onnx" if onnx else "model.joblib": data})
    model = kind()
    model.load(Artifacts.open(store, store.read(manifest_path("tiny", "1")), "tiny", lock, tmp_path))
    return model


@pytest.mark.parametrize("kind", [SklearnModel, OnnxModel])
def test_rows_that_a_model_cannot_take_are_found_among_others(kind: type[Model[Any, Any]], tmp_path: Path) -> None:
    inputs = np.array([[0, 1], [1, 0], [1, 1], [0, 0]])
    estimator = CategoricalNB().fit(inputs, np.array(["low", "low", "high", "high"]))
    served = InferencePipeline(
        loaded(kind, estimator, tmp_path), Contract(tighten(dict(TypeAdapter(Row).core_schema)), {"type": "any"})
    )
    rows = [{"a": 0, "b": 1}, {"a": 7, "b": 1}, {"a": 1, "b": 1}]  # no example had a 7
    with pytest.raises(ContractError, match="instance 1: The model cannot take this row"):
        served.infer(lambda contract: contract.check_rows(rows), Timings())
    found = served.infer(lambda contract: contract.check_rows(rows), Timings(), partial=True)
    assert (len(found.predictions), list(found.failed)) == (2, [1])


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_a_number_that_an_estimator_cannot_take_is_named(tmp_path: Path) -> None:
    estimator = DecisionTreeClassifier().fit(np.eye(2), np.array(["low", "high"]))
    core = tighten(dict(TypeAdapter(Row).core_schema))
    served = InferencePipeline(loaded(SklearnModel, estimator, tmp_path), Contract(core, {"type": "any"}))
    with pytest.raises(ContractError, match="instance 0 field b: The model cannot take this row"):
        served.infer(lambda contract: contract.check_rows([{"a": 1, "b": 1e39}]), Timings())


@pytest.mark.parametrize("kind", [SklearnModel, OnnxModel])
@pytest.mark.parametrize("stage", ["preprocess", "infer"])
def test_an_author_s_own_stage_blames_no_row(kind: type[Any], stage: str, tmp_path: Path) -> None:
    own = type("Own", (kind,), {stage: lambda _self, given: given})
    assert loaded(own, classifier(), tmp_path)._part(np.zeros((1, 2)), [0], ValueError()) is None
