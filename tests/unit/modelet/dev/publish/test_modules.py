"""Packages of exported modules of torch: how they are served, and what is refused before a version is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelet.dev.progress import Silent
from modelet.dev.project.project import Function
from modelet.dev.publish.draft import Package
from modelet.dev.publish.modules import package_module
from modelet.dev.publish.publish import publish
from modelet.dev.publish.source.module import ExportedModule
from modelet.errors import PublishError
from modelet.registry.listing import read_manifest
from modelet.store.store import Store
from support.modules import WEIGHTS, graph, linear, mean_of_rows, write_module

Make = Callable[..., Function]
ROWS = np.random.default_rng(1).normal(size=(20, 2)).astype(np.float32)


@pytest.fixture
def function(make_function: Make) -> Function:
    return make_function(None)


def packed(function: Function, folder: Path, examples: Any = ROWS, **more: Any) -> Package:
    return package_module(function, ExportedModule(folder=folder, examples=examples, **more), False, Silent())


def test_a_module_of_one_matrix_has_columns_and_a_default_answer(function: Function, tmp_path: Path) -> None:
    ready = packed(function, write_module(tmp_path / "m", linear()))
    manifest = ready.manifest
    assert (manifest.model_lib, manifest.model_lib_version, manifest.class_name) == ("torch", "2.13.0", "Net")
    assert [column.type for column in manifest.columns] == ["number", "number"]
    assert manifest.answer == {"outputs": ["vector"], "width": 3}
    assert manifest.compiled is not None
    assert manifest.compiled["parity"]["compared_with"] == "torch 2.13.0"
    assert manifest.compiled["optimized_by"].startswith("onnxruntime")
    assert manifest.model_info["exported_from"] == "module"


def test_a_module_of_tensors_is_left_to_a_class(function: Function, tmp_path: Path) -> None:
    folder = write_module(tmp_path / "m", linear(shape=("batch", "length", 2)))
    examples = {"x": [[[1.0, 2.0]], [[1.0, 2.0], [3.0, 4.0]], [[0.5, 0.5]]]}
    ready = packed(function, folder, examples, task="tagging", labels=["a", "b", "c"], info={"data": "made"})
    assert ready.manifest.columns == ()
    assert ready.manifest.features == ("x",)
    info = ready.manifest.model_info
    assert (info["task"], info["labels"], info["data"]) == ("tagging", ["a", "b", "c"], "made")


def test_figures_of_the_training_are_in_the_manifest(function: Function, tmp_path: Path) -> None:
    ready = packed(function, write_module(tmp_path / "m", linear()), metrics={"accuracy": 0.9}, metric="accuracy")
    assert (ready.manifest.metric, ready.manifest.performance) == ("accuracy", {"accuracy": 0.9})


def test_a_graph_that_mixes_rows_is_refused(function: Function, tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="output output of example 0 depends on the other rows"):
        packed(function, write_module(tmp_path / "m", mean_of_rows()))


@pytest.mark.parametrize(
    ("examples", "said"),
    [
        ({"y": ROWS[:, None]}, "the examples have y: give the module's inputs by name, x"),
        ({"x": ROWS[:0]}, "no rows"),
        (np.full((3, 2), np.nan, np.float32), "NaN"),
    ],
)
def test_examples_that_do_not_fit_are_refused(function: Function, tmp_path: Path, examples: Any, said: str) -> None:
    with pytest.raises(PublishError, match=said):
        packed(function, write_module(tmp_path / "m", linear()), examples)


def test_what_publish_finds_out_itself_cannot_be_given(function: Function, tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="info has labels, which publish sets itself"):
        packed(function, write_module(tmp_path / "m", linear()), info={"labels": ["a"]})


def test_doubles_are_refused_with_the_remedy(function: Function, tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    doubles = graph(
        [helper.make_node("MatMul", ["x", "weights"], ["output"])],
        {"x": (TensorProto.DOUBLE, ("batch", 2))},
        {"output": (TensorProto.DOUBLE, ("batch", 3))},
        WEIGHTS.astype(np.float64),
    )
    with pytest.raises(PublishError, match="takes doubles: convert it with float32 inputs"):
        packed(function, write_module(tmp_path / "m", doubles))


def test_a_folder_and_a_train_py_publish_the_same_version(make_function: Make, tmp_path: Path) -> None:
    folder = write_module(tmp_path / "m", linear(softmax=True))
    np.save(tmp_path / "x.npy", ROWS)
    train = (
        "import numpy as np\nfrom pathlib import Path\nfrom modelet.publishing import ExportedModule\n"
        f"def train():\n    return ExportedModule(folder=Path({str(folder)!r}), "
        f"examples=np.load({str(tmp_path / 'x.npy')!r}))\n"
    )
    function = make_function(train)
    store = Store((tmp_path / "store").as_uri())
    first = publish(function, store)
    second = publish(function, store, from_file=folder, examples=tmp_path / "x.npy")
    one, other = (read_manifest(store, "iris", each.version)[0] for each in (first, second))
    assert one._replace(version="", created_at="") == other._replace(version="", created_at="")


def test_quantize_and_types_are_not_for_modules(make_function: Make, tmp_path: Path) -> None:
    folder = write_module(tmp_path / "m", linear())
    np.save(tmp_path / "x.npy", ROWS)
    store = Store((tmp_path / "store").as_uri())
    given: dict[str, Any] = {"from_file": folder, "examples": tmp_path / "x.npy"}
    with pytest.raises(PublishError, match="has quantize, which is for models of texts only"):
        publish(make_function(None, quantize={"max_loss": 0.1}), store, **given)
    with pytest.raises(PublishError, match="--types is for columns of estimators and graphs, not for a module"):
        publish(make_function(None), store, types={"a": "number"}, **given)
