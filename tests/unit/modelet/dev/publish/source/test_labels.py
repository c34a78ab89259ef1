"""The labels of a graph that somebody gave, in the order of its probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from modelet.dev.publish.onnx.graph import Graph
from modelet.dev.publish.source.answer import OTHER, Shape
from modelet.dev.publish.source.labels import outcome
from modelet.errors import PublishError

if TYPE_CHECKING:
    from unit.modelet.dev.publish.conftest import Table

LABELS = ["no", "yes", "maybe"]
SURE = np.eye(3, dtype=np.float32) * 0.8 + 0.1


def model(*nodes: Any, **said: Any) -> onnx.ModelProto:
    graph = helper.make_graph(list(nodes), "made", [], [], **said)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def classifier(labels: list[Any]) -> Any:
    named: dict[str, Any] = {"classlabels_strings" if isinstance(labels[0], str) else "classlabels_ints": labels}
    return helper.make_node("LinearClassifier", ["x"], ["l", "p"], domain="ai.onnx.ml", **named)


def labelled(labels: list[Any]) -> Shape:
    return Shape("classification", labels, {"outputs": ["label", "probabilities"]})


def outputs(said: list[Any], shares: Any) -> dict[str, Any]:
    return {"label": np.array(said), "probabilities": np.array(shares, np.float32)}


def test_labels_are_those_that_the_last_classifier_names_even_if_examples_lack_some() -> None:
    graph = model(classifier([0, 1, 2]), classifier(LABELS))
    assert outcome(graph, outputs(["yes", "no"], SURE[[1, 0]])) == labelled(LABELS)


def test_labels_that_contradict_the_order_of_the_probabilities_are_refused() -> None:
    swapped = model(classifier(["yes", "no", "maybe"]))
    with pytest.raises(PublishError, match=r"not in the order of its labels, yes, no, maybe: .* 'yes', another"):
        outcome(swapped, outputs(["no", "yes", "maybe"], SURE))


def test_of_several_lists_the_one_in_the_order_of_the_probabilities_is_taken() -> None:
    encoded: Any = [name.encode() for name in LABELS]
    names = helper.make_tensor("names", TensorProto.STRING, [3], encoded)
    sorted_first = model(classifier(["maybe", "no", "yes"]), initializer=[names])
    assert outcome(sorted_first, outputs(LABELS, SURE)) == labelled(LABELS)


def test_labels_that_nothing_names_are_those_of_the_examples_where_all_are_there() -> None:
    assert outcome(model(), outputs([2, 0, 1], SURE[[2, 0, 1]])) == labelled([0, 1, 2])
    assert outcome(model(), outputs([2, 0], SURE[[2, 0]])) == OTHER


def test_a_classifier_that_shies_away_from_a_label_contradicts_nothing() -> None:
    shares = [[0.4, 0.6, 0.0], [0.45, 0.55, 0.0], [0.3, 0.7, 0.0], [0.1, 0.1, 0.8]]
    found = outcome(model(classifier(LABELS)), outputs(["no", "no", "yes", "maybe"], shares))
    assert found == labelled(LABELS)


def test_several_numbers_a_row_are_a_vector() -> None:
    vector = Shape("transformation", [], {"outputs": ["vector"], "width": 2})
    assert outcome(model(), {"y": np.zeros((4, 2), np.float32)}) == vector
    assert outcome(model(), {"y": np.zeros((4, 2, 2), np.float32)}) == OTHER


def test_one_number_a_row_is_a_regression_and_anything_else_is_something_of_its_own() -> None:
    assert outcome(model(), {"y": np.zeros((4, 1), np.float32)}) == Shape("regression", [], {"outputs": ["variable"]})
    assert outcome(model(), {"y": np.zeros((4, 1), np.int64)}) == OTHER
    assert outcome(model(), {"y": np.zeros(4, np.float32), "z": np.zeros(4, np.float32)}) == OTHER


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), KNeighborsClassifier(), CalibratedClassifierCV(LogisticRegression(), cv=2)],
    ids=lambda each: type(each).__name__,
)
@pytest.mark.parametrize("names", [["zebra", "ant"], [7, 3]], ids=str)
def test_graphs_of_the_converter_have_the_estimator_s_labels(estimator: Any, names: list[Any], table: Table) -> None:
    fitted = estimator.fit(table.rows[::2], np.where(table.labels[::2] == "yes", *names))
    options = {id(fitted): {"zipmap": False}}
    made = to_onnx(fitted, initial_types=[("input", FloatTensorType([None, 6]))], options=options, target_opset=18)
    answers = Graph(made.SerializeToString()).run({"input": table.examples.astype(np.float32)})
    assert outcome(made, answers) == labelled(fitted.classes_.tolist())
