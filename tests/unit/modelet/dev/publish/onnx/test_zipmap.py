"""A given classifier with a ZipMap gives the same labels and probabilities without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import catboost
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from modelet.dev.publish.onnx.graph import Graph
from modelet.dev.publish.onnx.zipmap import without_zipmap
from modelet.dev.publish.source.labels import outcome

if TYPE_CHECKING:
    from pathlib import Path

    from unit.modelet.dev.publish.conftest import Table


@pytest.mark.parametrize("estimator", [LogisticRegression(), RandomForestClassifier(5, random_state=0)], ids=repr)
@pytest.mark.parametrize("names", [["no", "yes"], [3, 7]], ids=str)
def test_a_graph_of_skl2onnx_is_read_without_it(estimator: Any, names: list[Any], table: Table) -> None:
    fitted = estimator.fit(table.rows, np.where(table.labels == "yes", names[1], names[0]))
    model = to_onnx(fitted, initial_types=[("input", FloatTensorType([None, 6]))], target_opset=18)
    assert without_zipmap(model) == names
    onnx.checker.check_model(model)
    outputs = Graph(model.SerializeToString()).run({"input": table.examples.astype(np.float32)})
    rows = table.examples.astype(np.float32).astype(np.float64)
    assert outputs["label"].tolist() == fitted.predict(rows).tolist()
    assert outputs["probabilities"] == pytest.approx(fitted.predict_proba(rows), abs=1e-5)
    assert outcome(model, outputs, names).labels == names


def test_a_graph_of_catboost_is_read_without_it(table: Table, tmp_path: Path) -> None:
    fitted = catboost.CatBoostClassifier(iterations=5, depth=3, verbose=False, allow_writing_files=False)
    fitted.fit(table.rows, (table.labels == "yes").astype(int))
    fitted.save_model(str(tmp_path / "model.onnx"), format="onnx")
    model = onnx.load(str(tmp_path / "model.onnx"))
    assert without_zipmap(model) == [0, 1]
    outputs = Graph(model.SerializeToString()).run({"features": table.examples.astype(np.float32)})
    assert outputs["probabilities"] == pytest.approx(fitted.predict_proba(table.examples), abs=1e-5)


def test_a_graph_without_one_stays_as_it_is(table: Table) -> None:
    fitted = LogisticRegression().fit(*table.train)
    kinds = [("input", FloatTensorType([None, 6]))]
    model = to_onnx(fitted, initial_types=kinds, options={"zipmap": False}, target_opset=18)
    before = model.SerializeToString()
    assert without_zipmap(model) is None
    assert model.SerializeToString() == before


def test_a_zipmap_that_names_no_labels_stays(table: Table) -> None:
    fitted = LogisticRegression().fit(*table.train)
    model = to_onnx(fitted, initial_types=[("input", FloatTensorType([None, 6]))], target_opset=18)
    [node] = [node for node in model.graph.node if node.op_type == "ZipMap"]
    del node.attribute[:]
    assert without_zipmap(model) is None


def test_a_zipmap_inside_a_graph_stays(table: Table) -> None:
    fitted = LogisticRegression().fit(*table.train)
    model = to_onnx(fitted, initial_types=[("input", FloatTensorType([None, 6]))], target_opset=18)
    model.graph.output.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [None]))
    assert without_zipmap(model) is None
