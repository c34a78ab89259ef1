"""Rows that an estimator or its graph cannot take: they are the caller's to change, and named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import CategoricalNB
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from typing_extensions import TypedDict

from modelet.backends.onnx import OnnxModel
from modelet.backends.sklearn import SklearnModel
from modelet.contract.contract import Contract
from modelet.contract.schema import tighten
from modelet.errors import ContractError
from modelet.model import Model
from modelet.observability import Timings
from modelet.pipeline import InferencePipeline
from modelet.store.artifacts import Artifacts
from modelet.store.keys import manifest_path
from modelet.store.store import Store
from support.versions import classifier, joblib_bytes, onnx_bytes, write_version


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
    with pytest.raises(ContractError, match="instance 1: The model cannot process this row"):
        served.infer(served.contract.check_rows(rows), Timings())
    found = served.infer(served.contract.check_rows(rows), Timings(), partial=True)
    assert (len(found.predictions), list(found.failed)) == (2, [1])


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_a_number_that_an_estimator_cannot_take_is_named(tmp_path: Path) -> None:
    estimator = DecisionTreeClassifier().fit(np.eye(2), np.array(["low", "high"]))
    core = tighten(dict(TypeAdapter(Row).core_schema))
    served = InferencePipeline(loaded(SklearnModel, estimator, tmp_path), Contract(core, {"type": "any"}))
    with pytest.raises(ContractError, match="instance 0 field b: The model cannot process this row"):
        served.infer(served.contract.check_rows([{"a": 1, "b": 1e39}]), Timings())


@pytest.mark.parametrize("kind", [SklearnModel, OnnxModel])
@pytest.mark.parametrize("stage", ["preprocess", "infer"])
def test_an_author_s_own_stage_blames_no_row(kind: type[Any], stage: str, tmp_path: Path) -> None:
    own = type("Own", (kind,), {stage: lambda _self, given: given})
    assert loaded(own, classifier(), tmp_path)._select_rows(np.zeros((1, 2)), [0], ValueError()) is None


def test_many_rows_that_a_graph_cannot_take_are_left_out_in_one_pass(tmp_path: Path) -> None:
    core = tighten(dict(TypeAdapter(Row).core_schema))
    model = loaded(OnnxModel, classifier(), tmp_path)
    passes = []
    prepare = model.preprocess

    def preprocess(instances: list[Any]) -> Any:
        passes.append(len(instances))
        return prepare(instances)

    served = InferencePipeline(model, Contract(core, {"type": "any"}), preprocess=preprocess)
    rows = [{"a": 1e39 if row % 2 else 1, "b": -1e39 if row % 3 else 1} for row in range(3_000)]
    found = served.infer(served.contract.check_rows(rows), Timings(), partial=True)
    assert passes == [3_000, 500]
    assert (len(found.predictions), len(found.failed)) == (500, 2_500)


def test_all_inputs_of_a_graph_name_the_rows_that_they_cannot_take_together(tmp_path: Path) -> None:
    types = [("a", FloatTensorType([None, 1])), ("b", FloatTensorType([None, 1]))]
    estimator = make_pipeline(make_column_transformer(("passthrough", ["a", "b"])), LinearRegression())
    estimator.fit(pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 1.0]}), [0.0, 1.0, 2.0])
    graph = to_onnx(estimator, initial_types=types, target_opset=18).SerializeToString()
    store = Store((tmp_path / "store").as_uri())
    lock = write_version(store, {"model.onnx": graph}, model_info={"task": "regression"})
    model = OnnxModel[Any, Any]()
    model.load(Artifacts.open(store, store.read(manifest_path("tiny", "1")), "tiny", lock, tmp_path))
    with pytest.raises(ContractError) as caught:
        model.preprocess([{"a": 1, "b": 1e39}, {"a": 1, "b": 1}, {"a": 1e39, "b": 1e39}])
    assert [(one.instance, one.field) for one in caught.value.violations] == [(0, "b"), (2, "a"), (2, "b")]
    assert (caught.value.count, caught.value.rows) == (3, {0, 2})
