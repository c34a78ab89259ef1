"""Trees of a graph as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.onnx.trees import trees_of
from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.rows import Rows

if TYPE_CHECKING:
    from unit.modelet.dev.publish.conftest import Table


def ensemble(estimator: Any, rows: Any) -> onnx.NodeProto:
    data = np.array(rows)
    model = onnx.load_from_string(to_graph(estimator, Rows(data, "matrix", columns_of(data)), "trees"))
    node: onnx.NodeProto = next(node for node in model.graph.node if node.op_type.startswith("TreeEnsemble"))
    return node


def test_inner_nodes_and_leaves_are_numbered_apart() -> None:
    fitted = DecisionTreeRegressor().fit([[0.0], [1.0], [2.0]], [5, 6, 9])
    trees = trees_of(ensemble(fitted, [[0.0], [2.0]]))
    assert trees is not None
    assert {name: values.tolist() for name, values in trees.arrays.items()} == {
        "tree_roots": [0],
        "nodes_featureids": [0, 0],
        "nodes_splits": [1.5, 0.5],
        "nodes_modes": [0, 0],
        "nodes_truenodeids": [1, 0],
        "nodes_trueleafs": [0, 1],
        "nodes_falsenodeids": [2, 1],
        "nodes_falseleafs": [1, 1],
        "leaf_targetids": [0, 0, 0],
        "leaf_weights": [5, 6, 9],
    }


def test_each_tree_has_its_root(table: Table) -> None:
    fitted = RandomForestClassifier(7, max_depth=3, random_state=0).fit(*table.train)
    trees = trees_of(ensemble(fitted, table.rows))
    assert trees is not None
    inner = [int((tree.tree_.children_left >= 0).sum()) for tree in fitted.estimators_]
    assert trees.arrays["tree_roots"].tolist() == np.cumsum([0, *inner[:-1]]).tolist()
    assert trees.is_of_shares


def test_where_a_missing_value_goes_is_kept(table: Table) -> None:
    rows = np.where(np.arange(table.rows.size).reshape(table.rows.shape) % 5 == 0, np.nan, table.rows)
    fitted = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(rows, table.labels)
    trees = trees_of(ensemble(fitted, rows))
    assert trees is not None
    assert trees.arrays["nodes_missing_value_tracks_true"].any()
    assert not trees.is_of_shares
    assert trees.is_double


def test_several_weights_for_a_leaf_are_not_put_into_arrays(table: Table) -> None:
    three = np.digitize(table.rows[:, 0], [-1, 1])
    assert trees_of(ensemble(RandomForestClassifier(3, random_state=0).fit(table.rows, three), table.rows)) is None
    assert trees_of(ensemble(DecisionTreeRegressor().fit(table.rows, table.rows[:, :2]), table.rows)) is None


def set_ints(node: onnx.NodeProto, name: str, value: int) -> None:
    next(attribute for attribute in node.attribute if attribute.name == name).ints[-1] = value


@pytest.mark.parametrize(
    ("name", "value"), [("nodes_nodeids", 99), ("nodes_treeids", 5), ("class_ids", 1), ("class_nodeids", 0)]
)
def test_lists_in_another_order_are_left_alone(table: Table, name: str, value: int) -> None:
    node = ensemble(DecisionTreeClassifier(max_depth=3).fit(*table.train), table.rows)
    assert trees_of(node) is not None
    set_ints(node, name, value)
    assert trees_of(node) is None


def test_a_tree_of_one_leaf_and_one_whose_thresholds_are_not_known_are_left_alone(table: Table) -> None:
    assert trees_of(ensemble(DecisionTreeRegressor().fit([[0.0], [1.0]], [3, 3]), [[0.0]])) is None
    node = ensemble(DecisionTreeClassifier(max_depth=3).fit(*table.train), table.rows)
    values = next(attribute for attribute in node.attribute if attribute.name == "nodes_values")
    values.name = "nodes_values_elsewhere"
    assert trees_of(node) is None
