"""Optimisation at publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.onnx.forests import ENOUGH
from modelet.dev.publish.onnx.graph import Graph
from modelet.dev.publish.onnx.optimize import optimized
from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.rows import Rows
from modelet.errors import ConversionError

if TYPE_CHECKING:
    from unit.modelet.dev.publish.conftest import Table


def converted(estimator: Any, data: Any) -> bytes:
    return to_graph(estimator, Rows(data, "matrix", columns_of(data)), "small")


def test_a_graph_with_nothing_to_optimise_keeps_its_bytes(table: Table) -> None:
    data = converted(LogisticRegression().fit(*table.train), table.rows)
    assert optimized(data) == data


def test_what_onnxruntime_simplifies_answers_the_same_and_names_no_domain_that_it_does_not_use(table: Table) -> None:
    data = converted(MLPClassifier((8,), max_iter=2000, random_state=0).fit(*table.train), table.rows)
    smaller = optimized(data)
    before, after = onnx.load_from_string(data), onnx.load_from_string(smaller)
    assert len(after.graph.node) < len(before.graph.node)
    assert {opset.domain for opset in after.opset_import} == {node.domain for node in after.graph.node}
    feeds = {"input": table.rows.astype(np.float32)}
    expected, found = Graph(data).run(feeds), Graph(smaller, optimized=True).run(feeds)
    assert expected["label"].tolist() == found["label"].tolist()
    np.testing.assert_allclose(found["probabilities"], expected["probabilities"], atol=1e-6)


def test_the_same_graph_gives_the_same_bytes_and_optimising_again_changes_nothing(table: Table) -> None:
    data = converted(MLPClassifier((8,), max_iter=2000, random_state=0).fit(*table.train), table.rows)
    assert optimized(data) == optimized(data) == optimized(optimized(data))


def test_a_large_forest_becomes_arrays() -> None:
    chance = np.random.default_rng(0)
    data = chance.random((1000, 4))
    forest = ExtraTreesRegressor(8, random_state=0).fit(data, chance.random(1000))
    assert sum(tree.tree_.node_count for tree in forest.estimators_) > ENOUGH
    before = converted(forest, data)
    smaller = optimized(before)
    assert len(smaller) < len(before) / 2
    assert [node.op_type for node in onnx.load_from_string(smaller).graph.node] == ["TreeEnsemble"]


def test_a_graph_that_onnxruntime_cannot_run_is_refused() -> None:
    node = helper.make_node("NoSuchOperator", ["x"], ["y"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy"]
    graph = helper.make_graph([node], "odd", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    with pytest.raises(ConversionError, match="onnxruntime cannot optimise the graph"):
        optimized(model.SerializeToString())
