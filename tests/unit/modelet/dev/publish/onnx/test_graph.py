"""Which graphs can be served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier

from modelet.backends.onnx import ENGINE
from modelet.dev.publish.onnx.graph import Graph, check_servable, line, opened, read_model
from modelet.errors import ConversionError, PublishError

if TYPE_CHECKING:
    from unit.modelet.dev.publish.conftest import Table


def identity(kind: int = TensorProto.FLOAT, **attributes: Any) -> onnx.ModelProto:
    operator = "StringNormalizer" if attributes else "Identity"
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"], **attributes)],
        "identity",
        [helper.make_tensor_value_info("x", kind, [None])],
        [helper.make_tensor_value_info("y", kind, [None])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def fitted(estimator: Any, table: Table) -> Graph:
    estimator.fit(*table.train)
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "predict_proba") else None
    made = to_onnx(estimator, initial_types=[("x", FloatTensorType([None, table.rows.shape[1]]))], options=options)
    graph = Graph(made.SerializeToString())
    graph.run({"x": np.resize(table.rows, (1000, table.rows.shape[1])).astype(np.float32)})
    graph.run({"x": table.rows[:1].astype(np.float32)})
    return graph


@pytest.mark.parametrize("estimator", [LogisticRegression(), RandomForestClassifier(5), DecisionTreeClassifier()])
def test_a_graph_that_no_number_of_threads_changes_may_have_several(estimator: Any, table: Table) -> None:
    graph = fitted(estimator, table)
    assert graph.described()["parallel"] is True
    feeds = {"x": np.resize(table.rows, (600, table.rows.shape[1])).astype(np.float32)}
    alone = graph.run(feeds)
    for threads in (2, 3, 6):
        found = opened(graph.data, threads=threads, optimized=False).run(list(alone), feeds)
        assert [array.tolist() for array in found] == [array.tolist() for array in alone.values()]


def test_a_forest_whose_trees_are_added_in_another_order_keeps_one_thread(table: Table) -> None:
    graph = fitted(RandomForestClassifier(300, random_state=0), table)
    assert graph.described()["parallel"] is False


def test_a_graph_that_was_not_asked_has_shown_nothing() -> None:
    assert Graph(identity().SerializeToString()).described()["parallel"] is False


def test_a_graph_answers_by_name_and_says_what_it_is() -> None:
    graph = Graph(identity().SerializeToString())
    assert graph.run({"x": np.array([1, 2], np.float32)})["y"].tolist() == [1, 2]
    assert graph.described() == {"backend": "onnx", "opset": 18, "ir_version": 8, "parallel": True}
    known = Graph(identity().SerializeToString(), optimized=True).described()
    assert known == {**graph.described(), "parallel": False, "optimized_by": ENGINE}


def test_a_forest_with_double_inputs_is_refused_because_it_answers_wrongly(table: Table) -> None:
    forest = RandomForestClassifier(5, random_state=0).fit(*table.train)
    options = {id(forest): {"zipmap": False}}
    model = to_onnx(forest, initial_types=[("input", DoubleTensorType([None, 6]))], options=options, target_opset=18)
    with pytest.raises(
        ConversionError, match="input takes doubles, and TreeEnsembleClassifier gives wrong results for them"
    ):
        check_servable(model)


def test_other_double_inputs_are_refused_too() -> None:
    model = to_onnx(Ridge().fit(np.eye(2), [1, 2]), initial_types=[("input", DoubleTensorType([None, 2]))])
    with pytest.raises(ConversionError, match="input takes doubles: convert it with float32 inputs"):
        check_servable(model)


def test_a_graph_that_changes_the_case_of_text_is_refused_for_its_locale() -> None:
    model = identity(TensorProto.STRING, case_change_action="LOWER")
    with pytest.raises(ConversionError, match=r"en_US.UTF-8 locale, which slim images lack: lower-case in Python"):
        check_servable(model)
    check_servable(identity(TensorProto.STRING, case_change_action="NONE"))


def test_a_classifier_with_a_zipmap_is_refused(table: Table) -> None:
    model = to_onnx(
        RandomForestClassifier(2).fit(*table.train),
        initial_types=[("input", FloatTensorType([None, 6]))],
        target_opset=18,
    )
    with pytest.raises(ConversionError, match=r"output_probability is not a tensor: .* zipmap=False"):
        check_servable(model)


def test_weights_in_other_files_are_refused() -> None:
    model = identity()
    weights = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    weights.external_data.add(key="location", value="weights.bin")
    model.graph.initializer.append(weights)
    with pytest.raises(ConversionError, match="save it as one file"):
        check_servable(model)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_graph_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(PublishError, match=r"x.onnx is not an ONNX graph"):
        read_model(data, "x.onnx")


def test_a_graph_that_onnxruntime_does_not_know_is_refused() -> None:
    model = identity()
    model.graph.node[0].op_type = "NoSuchOperator"
    with pytest.raises(ConversionError, match="cannot run the graph"):
        Graph(model.SerializeToString())


def test_inputs_that_do_not_fit_are_a_publish_error() -> None:
    with pytest.raises(PublishError, match="the graph fails"):
        Graph(identity().SerializeToString()).run({"x": np.array(["text"], dtype=object)})


def test_an_error_is_one_short_line() -> None:
    assert line(ValueError("a\n  b")) == "a b"
    assert line(ValueError()) == "ValueError"
    assert len(line(ValueError("x" * 1000))) < 250
