"""Many texts at once: a graph sees a few at a time, and nobody can tell from what it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from typing_extensions import TypedDict

from modelet.backends.onnx import TEXTS_AT_ONCE, Feeds, OnnxModel
from modelet.contract.contract import Contract
from modelet.contract.schema import tighten
from modelet.observability import Timings
from modelet.pipeline import InferencePipeline
from modelet.store.artifacts import Artifacts
from modelet.store.keys import manifest_path
from modelet.store.store import Store
from support.versions import classifier, onnx_bytes, write_version

WORDS = ("good", "fine", "bad", "sad", "so", "very", "quite", "")


class Watched:
    """A session that notes how many rows each run had."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.runs: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)

    def run(self, names: list[str], feeds: Feeds) -> Any:
        self.runs.append(len(next(iter(feeds.values()))))
        return self.session.run(names, feeds)


def loaded(graph: bytes, tmp_path: Path) -> OnnxModel[Any, Any]:
    store = Store((tmp_path / "store").as_uri())
    model = OnnxModel[Any, Any]()
    lock = write_version(store, {"model.onnx": graph})
    model.load(Artifacts.open(store, store.read(manifest_path("tiny", lock.version)), "tiny", lock, tmp_path))
    model.session = Watched(model.session)
    return model


def sentences(count: int) -> list[str]:
    chosen = np.random.default_rng(7).integers(len(WORDS), size=(count, 5))
    return [" ".join(WORDS[place] for place in row if WORDS[place]) for row in chosen]


@pytest.fixture(scope="module")
def of_texts() -> bytes:
    texts = sentences(60)
    labels = ["up" if "good" in text else "down" for text in texts]
    words = TfidfVectorizer(lowercase=False, token_pattern="[a-z]+")
    fitted = make_pipeline(words, LogisticRegression()).fit(texts, labels)
    types, options = [("text", StringTensorType([None, 1]))], {"zipmap": False}
    graph: bytes = to_onnx(fitted, initial_types=types, options=options, target_opset=18).SerializeToString()
    return graph


@pytest.mark.parametrize("count", [1, TEXTS_AT_ONCE, TEXTS_AT_ONCE + 1, 3 * TEXTS_AT_ONCE, 200])
def test_texts_are_predicted_a_few_at_a_time_as_they_would_be_together(
    count: int, of_texts: bytes, tmp_path: Path
) -> None:
    model = loaded(of_texts, tmp_path)
    texts = np.array(sentences(count), dtype=object).reshape(-1, 1)
    together = model.session.session.run(model.outputs, {"text": texts})
    found = model.infer({"text": texts})
    assert list(found) == model.outputs
    assert found["label"].tolist() == together[0].tolist()
    np.testing.assert_allclose(found["probabilities"], together[1], atol=1e-6, rtol=0)
    assert max(model.session.runs) <= TEXTS_AT_ONCE
    assert sum(model.session.runs) == count


class Row(TypedDict):
    a: str
    b: float


def of_columns() -> tuple[bytes, Any, Any]:
    """A graph with an input for each column, its estimator, and rows."""
    import pandas as pd

    chance = np.random.default_rng(3)
    frame = pd.DataFrame({"a": chance.choice(["home", "car"], 100), "b": chance.normal(size=100)})
    encoded = make_column_transformer((OneHotEncoder(), ["a"]), ("passthrough", ["b"]))
    fitted = make_pipeline(encoded, LogisticRegression()).fit(frame, np.where(frame["b"] > 0, "high", "low"))
    types = [("a", StringTensorType([None, 1])), ("b", FloatTensorType([None, 1]))]
    graph = to_onnx(fitted, initial_types=types, options={"zipmap": False}, target_opset=18).SerializeToString()
    return graph, fitted, frame


def test_texts_beside_numbers_stay_beside_them(tmp_path: Path) -> None:
    graph, fitted, frame = of_columns()
    model = loaded(graph, tmp_path)
    feeds = {"a": frame[["a"]].to_numpy(object), "b": frame[["b"]].to_numpy(np.float32)}
    assert model.infer(feeds)["label"].tolist() == fitted.predict(frame).tolist()
    assert model.session.runs == [32, 32, 32, 4]


def test_numbers_are_predicted_all_at_once(tmp_path: Path) -> None:
    model = loaded(onnx_bytes(classifier()), tmp_path)
    matrix = np.zeros((1000, 2), np.float32)
    assert len(model.infer({next(iter(model.inputs)): matrix})["label"]) == 1000
    assert model.session.runs == [1000]


def test_a_graph_that_takes_a_fixed_number_of_texts_gets_that_number(of_texts: bytes, tmp_path: Path) -> None:
    import onnx

    graph = onnx.load_from_string(of_texts)
    graph.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 100
    model = loaded(graph.SerializeToString(), tmp_path)
    texts = np.array(sentences(100), dtype=object).reshape(-1, 1)
    assert len(model.infer({"text": texts})["label"]) == 100
    assert model.session.runs == [100]


@pytest.mark.parametrize("kind", [tuple[str, float], tuple[str, float] | Row])
def test_a_contract_of_tuples_serves_a_graph_with_an_input_for_each_column(kind: Any, tmp_path: Path) -> None:
    model = loaded(of_columns()[0], tmp_path)
    core = tighten(dict(TypeAdapter(kind).core_schema))
    pipeline = InferencePipeline(model, Contract(core, {"type": "any"}))
    rows = [["home", 1.5], ["car", -2.0], ["home", -0.5]]
    named = [{"a": text, "b": number} for text, number in rows]
    expected = model.postprocess(model.infer(model.preprocess(named)), named)
    mixed = [[named[0], *rows[1:]], [rows[0], *named[1:]]]
    bodies: list[list[Any]] = [rows, *(mixed if kind != tuple[str, float] else [])]
    for sent in bodies:
        found = pipeline.infer(pipeline.contract.check_rows(sent), Timings())
        assert found.predictions == expected
