"""Forests as arrays: the same answers from a smaller file, or the graph as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.onnx.forests import ENOUGH, HITS, compact
from modelet.dev.publish.onnx.graph import Graph
from modelet.dev.publish.onnx.trees import MISSING
from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.rows import Rows

if TYPE_CHECKING:
    from unit.modelet.dev.publish.conftest import Table


@pytest.fixture(autouse=True)
def small_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelet.dev.publish.onnx.forests.ENOUGH", 1)


def converted(estimator: Any, data: Any) -> onnx.ModelProto:
    return onnx.load_from_string(to_graph(estimator, Rows(data, "matrix", columns_of(data)), "forest"))


def compacted(model: onnx.ModelProto) -> onnx.ModelProto:
    smaller = compact(model)
    assert smaller is not None
    return smaller


def with_gaps(table: Table) -> Any:
    data = table.rows.astype(np.float32)
    data[np.random.default_rng(0).random(data.shape) < 0.1] = np.nan
    return data


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def attributes(model: onnx.ModelProto) -> set[str]:
    """What the ensemble of a graph says."""
    return {each.name for node in model.graph.node if "Ensemble" in node.op_type for each in node.attribute}


def same(model: onnx.ModelProto, smaller: onnx.ModelProto, data: Any) -> None:
    """Labels of the very same type and value on every row, numbers within a float32's last digit."""
    feeds = {"input": data.astype(np.float32)}
    for rows in (feeds, {"input": feeds["input"][:1]}):
        before, after = Graph(model.SerializeToString()).run(rows), Graph(smaller.SerializeToString()).run(rows)
        assert list(before) == list(after)
        for name, values in before.items():
            assert (values.dtype, values.shape) == (after[name].dtype, after[name].shape)
            if values.dtype.kind == "f":
                np.testing.assert_allclose(after[name], values, rtol=0, atol=2e-7)
            else:
                assert values.tolist() == after[name].tolist()


CLASSIFIERS = [
    RandomForestClassifier(9, random_state=0),
    ExtraTreesClassifier(9, random_state=0),
    GradientBoostingClassifier(n_estimators=9, random_state=0),
    HistGradientBoostingClassifier(max_iter=9, random_state=0),
    BaggingClassifier(RandomForestClassifier(9, random_state=0), n_estimators=3, random_state=0),
    make_pipeline(StandardScaler(), RandomForestClassifier(9, random_state=0)),
]
REGRESSORS = [
    RandomForestRegressor(9, random_state=0),
    ExtraTreesRegressor(9, random_state=0),
    GradientBoostingRegressor(n_estimators=9, random_state=0),
    HistGradientBoostingRegressor(max_iter=9, random_state=0),
]


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("names", [["no", "yes"], [0, 1], [False, True]], ids=["texts", "numbers", "booleans"])
def test_a_classifier_of_two_classes_answers_the_same(table: Table, estimator: Any, names: list[Any]) -> None:
    model = converted(estimator.fit(table.rows, np.array(names)[(table.labels == "yes").astype(int)]), table.rows)
    smaller = compacted(model)
    assert smaller.ByteSize() < model.ByteSize() * 0.55
    assert "TreeEnsemble" in operators(smaller)
    assert not {"TreeEnsembleClassifier", "TreeEnsembleRegressor"} & {*operators(smaller)}
    onnx.checker.check_model(smaller)
    same(model, smaller, table.rows)


@pytest.mark.parametrize("estimator", REGRESSORS, ids=lambda each: type(each).__name__)
def test_a_regressor_answers_the_same_with_no_more_operators_than_its_base_and_precision_take(
    table: Table, estimator: Any
) -> None:
    model = converted(estimator.fit(table.rows, table.rows.sum(axis=1)), table.rows)
    smaller = compacted(model)
    assert {*operators(smaller)} <= {"TreeEnsemble", "Add", "Cast"}
    before = Graph(model.SerializeToString()).run({"input": table.rows.astype(np.float32)})
    after = Graph(smaller.SerializeToString()).run({"input": table.rows.astype(np.float32)})
    assert before["variable"].tolist() == after["variable"].tolist()


@pytest.mark.parametrize(
    "estimator", [RandomForestClassifier(9, random_state=0), HistGradientBoostingClassifier(max_iter=9, random_state=0)]
)
def test_missing_values_take_the_same_branch(table: Table, estimator: Any) -> None:
    data = with_gaps(table)
    model = converted(estimator.fit(data, table.labels), data)
    smaller = compacted(model)
    same(model, smaller, data)


def test_a_tie_is_the_first_class(table: Table) -> None:
    forest = RandomForestClassifier(2, bootstrap=False, random_state=0).fit([[0.0], [1.0]] * 4, [0, 1, 0, 0] * 2)
    smaller = compacted(converted(forest, np.array([[0.0], [1.0]])))
    found = Graph(smaller.SerializeToString()).run({"input": np.array([[1.0]], np.float32)})
    assert found["probabilities"].tolist() == [[0.5, 0.5]]
    assert found["label"].tolist() == forest.predict([[1.0]]).tolist() == [0]


@pytest.mark.parametrize(
    ("estimator", "gone"),
    [
        (RandomForestClassifier(9, random_state=0), {HITS, MISSING}),
        (HistGradientBoostingClassifier(max_iter=9, random_state=0), set()),
    ],
    ids=["shares", "boosting, which says where missing values go"],
)
def test_a_forest_of_three_classes_only_loses_the_lists_that_say_nothing(
    table: Table, estimator: Any, gone: set[str]
) -> None:
    model = converted(estimator.fit(table.rows, np.digitize(table.rows[:, 0], [-1, 1])), table.rows)
    smaller = compacted(model)
    before, after = (attributes(one) for one in (model, smaller))
    assert before - after == gone
    assert operators(smaller) == operators(model)
    same(model, smaller, with_gaps(table))


def test_a_graph_without_trees_is_left_alone(table: Table) -> None:
    assert compact(converted(LogisticRegression().fit(*table.train), table.rows)) is None


def test_a_small_forest_is_left_alone(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelet.dev.publish.onnx.forests.ENOUGH", ENOUGH)
    forest = RandomForestRegressor(9, random_state=0).fit(table.rows, table.rows.sum(axis=1))
    assert sum(tree.tree_.node_count for tree in forest.estimators_) < ENOUGH
    assert compact(converted(forest, table.rows)) is None


def test_no_forest_becomes_arrays_in_a_graph_whose_other_operators_would_change(table: Table) -> None:
    model = converted(RandomForestClassifier(9, random_state=0).fit(*table.train), table.rows)
    model.graph.node.append(onnx.helper.make_node("LabelEncoder", ["label"], ["code"], domain="ai.onnx.ml"))
    assert operators(compacted(model)) == operators(model)


def test_no_forest_becomes_arrays_in_an_old_graph(table: Table) -> None:
    model = converted(RandomForestClassifier(9, random_state=0).fit(*table.train), table.rows)
    for opset in model.opset_import:
        opset.version = 9 if opset.domain == "" else opset.version
    assert operators(compacted(model)) == operators(model)


@pytest.mark.parametrize(
    ("name", "value"),
    [("post_transform", b"PROBIT"), ("post_transform", b"LOGISTIC"), ("aggregate_function", b"AVERAGE")],
)
def test_no_forest_becomes_arrays_whose_answer_is_made_in_another_way(table: Table, name: str, value: bytes) -> None:
    model = converted(RandomForestClassifier(9, random_state=0).fit(*table.train), table.rows)
    node = model.graph.node[0]
    for attribute in [each for each in node.attribute if each.name == name]:
        node.attribute.remove(attribute)
    node.attribute.append(onnx.helper.make_attribute(name, value))
    assert operators(compacted(model)) == operators(model)


def test_probabilities_that_are_calibrated_afterwards_stay_the_same(table: Table) -> None:
    calibrated = CalibratedClassifierCV(RandomForestClassifier(5, random_state=0), cv=2).fit(*table.train)
    model = converted(calibrated, table.rows)
    same(model, compacted(model), table.rows)
