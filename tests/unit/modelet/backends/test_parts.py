"""Parts of a graph's inputs: only where their rows are the instances, which no graph looks at one beside another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from modelet.backends.onnx import ROWS_AT_ONCE, TEXTS_AT_ONCE, Feeds, OnnxModel
from modelet.contract.contract import Contract
from modelet.observability import Timings
from modelet.pipeline import InferencePipeline
from modelet.store.artifacts import Artifacts
from modelet.store.keys import manifest_path
from modelet.store.store import Store
from support.versions import write_version

ANY = {"type": "any"}


def of_numbers() -> bytes:
    """A graph that adds each row to all before it."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", 1]) for name in ("x", "y")]
    axis = helper.make_tensor("axis", TensorProto.INT64, [], [0])
    return graph(helper.make_node("CumSum", ["x", "axis"], ["y"]), ends, [axis])


def of_texts() -> bytes:
    """A graph that gives texts back."""
    ends = [helper.make_tensor_value_info(name, TensorProto.STRING, ["rows", 1]) for name in ("x", "y")]
    return graph(helper.make_node("Identity", ["x"], ["y"]), ends, [])


def graph(node: Any, ends: list[Any], constants: list[Any]) -> bytes:
    made = helper.make_graph([node], "graph", ends[:1], ends[1:], constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


class Watched(OnnxModel[Any, Any]):
    """Notes how many rows each run of its graph has, and answers how many rows there were."""

    def load(self, artifacts: Artifacts) -> None:
        super().load(artifacts)
        self.runs: list[int] = []
        run = self.session.run

        def watched(names: list[str], feeds: Feeds) -> Any:
            self.runs.append(len(feeds["x"]))
            return run(names, feeds)

        self.session.run = watched

    def postprocess(self, outputs: Any, instances: list[Any]) -> list[Any]:
        return [outputs["y"][-1, 0]] * len(instances)


def joined(instances: list[dict[str, Any]]) -> Feeds:
    """One instance is many rows."""
    rows = [value for instance in instances for value in instance["x"]]
    kind = object if isinstance(rows[0], str) else np.float32
    return {"x": np.array(rows, kind).reshape(-1, 1)}


class Joined(Watched):
    def preprocess(self, instances: list[Any]) -> Feeds:
        return joined(instances)


def loaded(kind: type[OnnxModel[Any, Any]], data: bytes, tmp_path: Path) -> Any:
    store = Store((tmp_path / "store").as_uri())
    lock = write_version(store, {"model.onnx": data}, features=("x",), model_info={"task": "other"})
    model = kind()
    model.load(Artifacts.open(store, store.read(manifest_path("tiny", "1")), "tiny", lock, tmp_path))
    return model


def asked(model: Any, instances: list[Any], preprocess: Any = None) -> list[Any]:
    pipeline = InferencePipeline(model, Contract(ANY, ANY), preprocess=preprocess)
    return pipeline.infer(pipeline.contract.check_rows(instances), Timings()).predictions


@pytest.mark.parametrize("named", [False, True])
def test_a_signal_of_many_samples_goes_through_its_graph_whole(named: bool, tmp_path: Path) -> None:
    model = loaded(Watched if named else Joined, of_numbers(), tmp_path)
    samples = ROWS_AT_ONCE + 904
    assert asked(model, [{"x": [1.0] * samples}], joined if named else None) == [samples]
    assert asked(model, [{"x": [1.0] * samples}] * 2, joined if named else None) == [2 * samples] * 2
    assert model.runs == [samples, 2 * samples]


def test_an_author_who_asks_without_a_pipeline_gets_the_same(tmp_path: Path) -> None:
    model = loaded(Joined, of_numbers(), tmp_path)
    outputs = model.infer(model.preprocess([{"x": [1.0] * 5_000}]))
    assert outputs["y"][-1, 0] == 5_000


def test_the_sentences_of_a_document_go_through_their_graph_together(tmp_path: Path) -> None:
    model = loaded(Joined, of_texts(), tmp_path)
    asked(model, [{"x": ["a"] * (TEXTS_AT_ONCE + 8)}])
    assert model.runs == [TEXTS_AT_ONCE + 8]


@pytest.mark.parametrize(("data", "value", "most"), [(of_texts(), "a", TEXTS_AT_ONCE), (of_numbers(), 1, ROWS_AT_ONCE)])
@pytest.mark.parametrize("kind", [Watched, Joined])
def test_instances_that_are_a_row_each_go_through_their_graph_in_parts_whoever_prepares_them(
    kind: type[OnnxModel[Any, Any]], data: bytes, value: Any, most: int, tmp_path: Path
) -> None:
    model = loaded(kind, data, tmp_path)
    asked(model, [{"x": [value] if kind is Joined else value}] * (most + 8))
    assert model.runs == [most, 8]
