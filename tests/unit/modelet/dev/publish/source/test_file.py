"""Finished models from files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from sklearn.linear_model import LinearRegression, LogisticRegression

from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.progress import Silent
from modelet.dev.project.author import author_modules
from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.source.examples import rows_of
from modelet.dev.publish.source.file import GivenGraph, given
from modelet.errors import CommandError, PublishError
from modelet.publishing import Trained, pin, publish
from modelet.registry.listing import read_manifest
from modelet.store.manifest import Column

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelet.dev.project.project import Function
    from modelet.store.manifest import Manifest
    from modelet.store.store import Store
    from unit.modelet.dev.publish.conftest import Table

FRAME = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
LABELS = ["no", "no", "yes", "yes"]


class Heard(Silent):
    """Remembers the steps."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)


def graph_of(estimator: Any, examples: Any) -> bytes:
    return to_graph(estimator, rows_of(Trained(estimator=estimator, examples=examples, metrics={}, metric="")), "m")


def tensor(name: str, kind: int, shape: list[int | None]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def made(
    nodes: list[Any], inputs: list[Any], outputs: list[Any], initializer: list[Any] | None = None, **said: Any
) -> bytes:
    graph = helper.make_graph(nodes, "made", inputs, outputs, initializer)
    data: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8, **said
    ).SerializeToString()
    return data


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    FRAME.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


def test_an_estimator_comes_with_its_examples_and_a_word_of_warning(tmp_path: Path, csv: Path) -> None:
    joblib.dump(LogisticRegression().fit(FRAME, LABELS), tmp_path / "model.joblib")
    heard = Heard()
    found = given(tmp_path / "model.joblib", csv, bounded=True, progress=heard)
    assert isinstance(found, Trained)
    assert found.columns == (Column("a", "number", minimum=0, maximum=3), Column("b", "number", minimum=0, maximum=1))
    assert heard.steps == ["opening model.joblib: unpickling runs the code in it, so use only files that you trust"]


def test_an_estimator_of_an_array_has_its_columns_named_by_the_header(tmp_path: Path, csv: Path) -> None:
    joblib.dump(LinearRegression().fit(FRAME.to_numpy(), [0, 1, 2, 3]), tmp_path / "model.pkl")
    found = given(tmp_path / "model.pkl", csv, bounded=False, progress=Silent())
    assert isinstance(found, Trained)
    assert rows_of(found).features == ("a", "b")


def test_a_classifiers_graph_has_its_task_labels_columns_and_maker(tmp_path: Path, csv: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(graph_of(LogisticRegression().fit(FRAME, LABELS), FRAME))
    found = given(tmp_path / "model.onnx", csv, bounded=False, progress=Silent())
    assert isinstance(found, GivenGraph)
    assert (found.shape.task, found.shape.labels, found.features) == ("classification", ["no", "yes"], ("a", "b"))
    assert found.rows.columns == (Column("a", "number"), Column("b", "number"))
    assert found.producer[0] == "skl2onnx"
    assert found.figures["example_rows"] == 4


def test_a_regressors_graph_is_known_by_its_one_number_a_row(tmp_path: Path, csv: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(graph_of(LinearRegression().fit(FRAME, [0, 1, 2, 3]), FRAME))
    found = given(tmp_path / "model.onnx", csv, bounded=False, progress=Silent())
    assert isinstance(found, GivenGraph)
    assert (found.shape.task, found.shape.labels) == ("regression", [])


def test_a_graph_of_tensors_takes_examples_by_the_names_of_its_inputs(tmp_path: Path) -> None:
    data = made(
        [helper.make_node("Mul", ["ids", "mask"], ["y"])],
        [tensor("ids", TensorProto.INT64, [None, None]), tensor("mask", TensorProto.INT64, [None, None])],
        [tensor("y", TensorProto.INT64, [None, None])],
        producer_name="ours",
        producer_version="7",
    )
    (tmp_path / "model.onnx").write_bytes(data)
    rows = [{"mask": [1, 0], "ids": [5, 6]}, {"mask": [1, 1], "ids": [7, 8]}]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    found = given(tmp_path / "model.onnx", tmp_path / "rows.json", bounded=False, progress=Silent())
    assert isinstance(found, GivenGraph)
    assert (found.shape.task, found.producer, found.features) == ("other", ("ours", "7"), ("ids", "mask"))


def test_a_graph_of_images_takes_nested_rows_and_has_no_columns(tmp_path: Path) -> None:
    data = made(
        [helper.make_node("Identity", ["image"], ["y"])],
        [tensor("image", TensorProto.FLOAT, [None, 2, 2])],
        [tensor("y", TensorProto.FLOAT, [None, 2, 2])],
    )
    (tmp_path / "model.onnx").write_bytes(data)
    (tmp_path / "rows.json").write_text(json.dumps([[[1, 2], [3, 4]]] * 2))
    found = given(tmp_path / "model.onnx", tmp_path / "rows.json", bounded=False, progress=Silent())
    assert isinstance(found, GivenGraph)
    assert (found.rows.columns, found.features) == ((), ("image",))


def one(operator: str, kind: int = TensorProto.FLOAT, **attributes: Any) -> bytes:
    return made(
        [helper.make_node(operator, ["x"], ["y"], **attributes)],
        [tensor("x", kind, [None, 2])],
        [tensor("y", kind, [None, None])],
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no graph", r"model.onnx is not an ONNX graph"),
        (one("Softmax", axis=0), "the graph's output y of example 0 depends on the other rows"),
        (one("Transpose"), "it must have one row for each"),
        (one("Log"), "NaN or infinite"),
        (one("Identity", TensorProto.UINT8), "x takes tensor.uint8., which requests do not support"),
        (one("Identity", TensorProto.INT32), "x takes tensor.int32., which requests do not support: .* cast it"),
        (one("Identity", TensorProto.BOOL), "x takes tensor.bool., which requests do not support"),
        (one("Identity", TensorProto.INT64), "column a has numbers, but the graph's input x takes whole numbers"),
        (one("Identity", TensorProto.DOUBLE), "takes doubles"),
    ],
)
def test_a_graph_that_cannot_serve_its_examples_is_refused(tmp_path: Path, csv: Path, data: bytes, said: str) -> None:
    (tmp_path / "model.onnx").write_bytes(data)
    with pytest.raises(PublishError, match=said):
        given(tmp_path / "model.onnx", csv, bounded=False, progress=Silent())


def test_examples_that_do_not_fit_the_graph_are_refused(tmp_path: Path, csv: Path) -> None:
    two = made(
        [helper.make_node("Add", ["a", "c"], ["y"])],
        [tensor("a", TensorProto.FLOAT, [None, 1]), tensor("c", TensorProto.FLOAT, [None, 1])],
        [tensor("y", TensorProto.FLOAT, [None, 1])],
    )
    (tmp_path / "model.onnx").write_bytes(two)
    with pytest.raises(PublishError, match="the examples have no c: give one column for each input of the graph: a, c"):
        given(tmp_path / "model.onnx", csv, bounded=False, progress=Silent())
    (tmp_path / "texts.json").write_text('["a", "b"]')
    with pytest.raises(PublishError, match="the examples have no names"):
        given(tmp_path / "model.onnx", tmp_path / "texts.json", bounded=False, progress=Silent())
    (tmp_path / "model.onnx").write_bytes(one("Identity"))
    with pytest.raises(PublishError, match="the examples do not fit the graph"):
        given(tmp_path / "model.onnx", tmp_path / "texts.json", bounded=False, progress=Silent())


def test_a_graph_of_columns_is_fed_by_name_in_its_own_order(tmp_path: Path) -> None:
    data = made(
        [helper.make_node("Sub", ["b", "a"], ["y"])],
        [tensor("b", TensorProto.FLOAT, [None, 1]), tensor("a", TensorProto.FLOAT, [None, 1])],
        [tensor("y", TensorProto.FLOAT, [None, 1])],
    )
    (tmp_path / "model.onnx").write_bytes(data)
    FRAME.assign(other="x").to_csv(tmp_path / "rows.csv", index=False)
    found = given(tmp_path / "model.onnx", tmp_path / "rows.csv", bounded=False, progress=Silent())
    assert isinstance(found, GivenGraph)
    assert found.features == ("b", "a")


def test_a_graph_of_texts_has_one_column_of_text(tmp_path: Path) -> None:
    data = made(
        [helper.make_node("Identity", ["text"], ["y"])],
        [tensor("text", TensorProto.STRING, [None, 1])],
        [tensor("y", TensorProto.STRING, [None, 1])],
    )
    (tmp_path / "model.onnx").write_bytes(data)
    (tmp_path / "rows.json").write_text('["좋아요", ""]')
    found = given(tmp_path / "model.onnx", tmp_path / "rows.json", bounded=False, progress=Silent())
    assert isinstance(found, GivenGraph)
    assert found.rows.columns == (Column("text", "string"),)


def test_a_graph_s_inputs_say_which_columns_of_a_csv_are_texts(tmp_path: Path) -> None:
    data = made(
        [helper.make_node("Identity", ["zip"], ["y"]), helper.make_node("Identity", ["n"], ["z"])],
        [tensor("zip", TensorProto.STRING, [None, 1]), tensor("n", TensorProto.FLOAT, [None, 1])],
        [tensor("y", TensorProto.STRING, [None, 1]), tensor("z", TensorProto.FLOAT, [None, 1])],
    )
    (tmp_path / "model.onnx").write_bytes(data)
    (tmp_path / "rows.csv").write_text("n,zip\n1e5,02139\n007,1e5\n")
    found = given(tmp_path / "model.onnx", tmp_path / "rows.csv", bounded=False, progress=Silent())
    assert isinstance(found, GivenGraph)
    assert found.rows.columns == (Column("zip", "string"), Column("n", "number"))
    assert found.rows.data["zip"].tolist() == ["02139", "1e5"]


OWN = """
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from words import weight

class Weighted(RegressorMixin, BaseEstimator):
    def fit(self, rows, targets):
        self.n_features_in_ = rows.shape[1]
        return self

    def predict(self, rows):
        return np.asarray(rows)[:, 0] * weight()
"""


def test_a_pickle_may_name_modules_of_the_functions_folder_and_is_bundled_with_those_alone(
    tmp_path: Path, csv: Path, make_function: Callable[..., Function], file_store: Store
) -> None:
    files = {"own_model.py": OWN, "words.py": "def weight():\n    return 3\n"}
    function = make_function(None, files=files, backend="sklearn")
    (function.folder / "model.yaml").write_text("backend: sklearn\n")
    with author_modules(function.folder) as load:
        fitted = load("own_model").Weighted().fit(FRAME.to_numpy(), LABELS)
        joblib.dump(fitted, tmp_path / "model.joblib")
    published = publish(function, file_store, from_file=tmp_path / "model.joblib", examples=csv)
    manifest, _ = read_manifest(file_store, function.name, published.version)
    assert manifest.pickled is not None
    assert manifest.pickled.modules.keys() == files.keys()
    lock = pin(function, file_store)
    write_bundle(function, file_store, lock)
    (function.folder / "words.py").write_text("def weight():\n    return 4\n")
    with pytest.raises(CommandError, match=r"functions/iris/words.py has changed since version 1 was published"):
        write_bundle(function, file_store, lock)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("model.joblib", {"a": 1}, "has a dict: give a fitted scikit-learn estimator"),
        ("model.bin", None, "neither an estimator nor a graph"),
    ],
)
def test_a_file_that_holds_no_model_is_refused(tmp_path: Path, csv: Path, name: str, value: Any, said: str) -> None:
    joblib.dump(value, tmp_path / name)
    with pytest.raises(PublishError, match=said):
        given(tmp_path / name, csv, bounded=False, progress=Silent())


def test_of_many_columns_a_graph_s_one_input_takes_that_of_its_name(tmp_path: Path) -> None:
    data = made(
        [helper.make_node("Neg", ["b"], ["y"])],
        [tensor("b", TensorProto.FLOAT, [None, 1])],
        [tensor("y", TensorProto.FLOAT, [None, 1])],
    )
    (tmp_path / "model.onnx").write_bytes(data)
    FRAME.to_csv(tmp_path / "rows.csv", index=False)
    found = given(tmp_path / "model.onnx", tmp_path / "rows.csv", bounded=False, progress=Silent())
    assert isinstance(found, GivenGraph)
    assert (found.features, found.rows.columns) == (("b",), (Column("b", "number"),))


@pytest.mark.parametrize(
    "rows", [[{"a": 1.0}, {"a": 2.0}], [{"a": 1.0, "b": 2.0, "c": 3.0}], [[1.0, 2.0, 3.0]], [1.0, 2.0]]
)
def test_examples_with_another_number_of_columns_than_the_graph_are_refused(tmp_path: Path, rows: list[Any]) -> None:
    weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 1], [1.0, 2.0])
    data = made(
        [helper.make_node("Constant", [], ["w"], value=weights), helper.make_node("MatMul", ["x", "w"], ["y"])],
        [tensor("x", TensorProto.FLOAT, [None, None])],
        [tensor("y", TensorProto.FLOAT, [None, 1])],
    )
    (tmp_path / "model.onnx").write_bytes(data)
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    with pytest.raises(PublishError, match="the graph fails"):
        given(tmp_path / "model.onnx", tmp_path / "rows.json", bounded=False, progress=Silent())


@pytest.fixture
def publish_graph(
    tmp_path: Path, make_function: Callable[..., Function], file_store: Store
) -> Callable[[bytes, Any], Manifest]:
    """Publishes a graph with rows for it, for a function without a class."""

    def run(data: bytes, rows: Any) -> Manifest:
        (tmp_path / "model.onnx").write_bytes(data)
        (tmp_path / "rows.json").write_text(json.dumps(rows))
        function = make_function(None)
        published = publish(function, file_store, from_file=tmp_path / "model.onnx", examples=tmp_path / "rows.json")
        return read_manifest(file_store, function.name, published.version)[0]

    return run


def numbers(rows: Any) -> list[dict[str, Any]]:
    return [{f"x{place}": value for place, value in enumerate(row)} for row in rows.tolist()]


def test_a_given_graph_is_published_once_it_served_its_examples(
    publish_graph: Callable[[bytes, Any], Manifest], table: Table
) -> None:
    graph = graph_of(LogisticRegression().fit(*table.train), table.examples)
    manifest = publish_graph(graph, numbers(table.examples))
    assert manifest.model_info == {"task": "classification", "labels": ["no", "yes"]}
    regression = graph_of(LinearRegression().fit(table.rows, table.rows[:, 0]), table.examples)
    assert publish_graph(regression, numbers(table.examples)).model_info["task"] == "regression"


def test_a_graph_with_its_labels_in_a_column_is_served_as_its_examples_showed(
    publish_graph: Callable[[bytes, Any], Manifest],
) -> None:
    data = made(
        [
            helper.make_node("Softmax", ["x"], ["probabilities"], axis=1),
            helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=1),
        ],
        [tensor("x", TensorProto.FLOAT, [None, 2])],
        [tensor("label", TensorProto.INT64, [None, 1]), tensor("probabilities", TensorProto.FLOAT, [None, 2])],
    )
    manifest = publish_graph(data, [{"a": 1.0, "b": 3.0}, {"a": 2.0, "b": 0.0}])
    assert manifest.model_info == {"task": "classification", "labels": [0, 1]}


def test_a_graph_that_takes_one_text_without_a_second_dimension_is_left_to_a_class(
    publish_graph: Callable[[bytes, Any], Manifest],
) -> None:
    data = made(
        [helper.make_node("StringNormalizer", ["text"], ["y"])],
        [tensor("text", TensorProto.STRING, [None])],
        [tensor("y", TensorProto.STRING, [None])],
    )
    assert publish_graph(data, ["a", "b"]).columns == ()


def test_an_example_that_the_version_would_refuse_is_named(publish_graph: Callable[[bytes, Any], Manifest]) -> None:
    data = made(
        [helper.make_node("Clip", ["x", "", "high"], ["y"])],
        [tensor("x", TensorProto.FLOAT, [None, 1])],
        [tensor("y", TensorProto.FLOAT, [None, 1])],
        initializer=[helper.make_tensor("high", TensorProto.FLOAT, [], [1.0])],
    )
    with np.errstate(over="ignore"), pytest.raises(PublishError, match=r"reject its own examples .*beyond the range"):
        publish_graph(data, [{"a": 1.0}, {"a": 1e39}])


def test_numbers_of_examples_are_float32_for_the_graph(tmp_path: Path, csv: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(one("Identity"))
    found = given(tmp_path / "model.onnx", csv, bounded=True, progress=Silent())
    assert isinstance(found, GivenGraph)
    assert found.rows.columns[0].maximum == 3
    assert found.graph.run({"x": np.array([[1, 2]], np.float32)})["y"].tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (TensorProto.FLOAT, ["1", "2.5"], "column x is string, but the graph's input x takes numbers"),
        (TensorProto.STRING, [1, 2], "column x is integer, but the graph's input x takes texts"),
        (TensorProto.STRING, ["a", None], "column x has missing values, which the graph's input x does not support"),
    ],
)
def test_a_column_that_an_input_would_change_is_refused(
    tmp_path: Path, kind: int, values: list[Any], said: str
) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    (tmp_path / "model.onnx").write_bytes(made([node], [tensor("x", kind, [None, 1])], [tensor("y", kind, [None, 1])]))
    (tmp_path / "rows.json").write_text(json.dumps([{"x": value} for value in values]))
    with pytest.raises(PublishError, match=said):
        given(tmp_path / "model.onnx", tmp_path / "rows.json", bounded=False, progress=Silent())
