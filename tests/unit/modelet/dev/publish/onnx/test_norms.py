"""Norms of texts in plain operators: the same answers sooner, or the graph as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import LinearSVC

from modelet.dev.progress import Silent
from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.onnx.graph import Graph
from modelet.dev.publish.onnx.norms import ENOUGH, NORM, plain_norms
from modelet.dev.publish.onnx.optimize import optimized
from modelet.dev.publish.package import package
from modelet.dev.publish.source.examples import rows_of
from modelet.publishing import Trained
from unit.modelet.dev.publish.conftest import BAD, GOOD, PLAIN

if TYPE_CHECKING:
    from modelet.dev.project.project import Function
    from unit.modelet.dev.publish.conftest import Reviews, Table

PLAIN_NORM = ["Mul", "ReduceSum", "Sqrt", "Max", "Div"]
ODD = ["", "unseen", "漢字", "😀 👍🏽", "good " * 2000, "좋아요" * 3000, "x" * 10_000, " ", "good"]


@pytest.fixture(autouse=True)
def short_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelet.dev.publish.onnx.norms.ENOUGH", 1)


def words(**said: Any) -> TfidfVectorizer:
    return TfidfVectorizer(**{"lowercase": False, "token_pattern": r"\S+", **said})


def characters(**said: Any) -> TfidfVectorizer:
    return TfidfVectorizer(lowercase=False, analyzer="char", ngram_range=(1, 3), **said)


def converted(estimator: Any, examples: Any) -> onnx.ModelProto:
    rows = rows_of(Trained(estimator=estimator, examples=examples, metrics={}, metric=""))
    return onnx.load_from_string(to_graph(estimator, rows, "texts", collapsed=True))


def rewritten(model: onnx.ModelProto) -> onnx.ModelProto:
    faster = plain_norms(model)
    assert faster is not None
    onnx.checker.check_model(faster)
    return faster


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def column(texts: list[str]) -> dict[str, Any]:
    return {"text": np.array([[text] for text in texts], dtype=object)}


def same(model: onnx.ModelProto, faster: onnx.ModelProto, feeds: dict[str, Any], within: float = 1e-6) -> None:
    """Labels of the very same type and value on every row, numbers within a few digits of a float32."""
    before, after = Graph(model.SerializeToString()), Graph(faster.SerializeToString())
    for rows in (feeds, {name: values[:1] for name, values in feeds.items()}):
        expected, found = before.run(rows), after.run(rows)
        assert list(expected) == list(found)
        for name, values in expected.items():
            assert (values.dtype, values.shape) == (found[name].dtype, found[name].shape)
            if values.dtype.kind == "f":
                np.testing.assert_allclose(found[name], values, rtol=0, atol=within)
            else:
                assert values.tolist() == found[name].tolist()


def rows_themselves(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph, giving what its classifier is given."""
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    name = shown.graph.node[-1].input[0]
    del shown.graph.node[-1], shown.graph.output[:]
    shown.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, None]))
    return shown


@pytest.fixture(scope="module")
def plain(reviews: Reviews) -> onnx.ModelProto:
    return converted(
        make_pipeline(characters(), LogisticRegression()).fit(reviews.texts, reviews.labels), reviews.texts
    )


VECTORIZERS = {
    "words": words(),
    "pairs of words": words(ngram_range=(1, 2)),
    "characters": characters(),
    "without idf": characters(use_idf=False),
    "idf not smooth": words(smooth_idf=False),
    "binary": words(binary=True),
}
FINALS = {
    "classifier": LogisticRegression(C=20),
    "calibrated": CalibratedClassifierCV(LinearSVC(random_state=0), cv=2),
    "regressor": Ridge(),
}


@pytest.mark.parametrize("vectorizer", VECTORIZERS.values(), ids=list(VECTORIZERS))
@pytest.mark.parametrize("final", FINALS.values(), ids=list(FINALS))
def test_texts_answer_the_same_with_a_plain_norm(
    vectorizer: Any, final: Any, reviews: Reviews, held_out: Reviews
) -> None:
    targets = reviews.labels if not isinstance(final, Ridge) else [len(text) for text in reviews.texts]
    estimator = make_pipeline(vectorizer, final).fit(reviews.texts, targets)
    model = converted(estimator, reviews.texts)
    faster = rewritten(model)
    assert NORM in operators(model)
    assert NORM not in operators(faster)
    texts = [*held_out.texts, *ODD]
    same(model, faster, column(texts), 1e-6 if not isinstance(final, Ridge) else 1e-4)
    found = Graph(faster.SerializeToString()).run(column(texts))
    if isinstance(final, Ridge):
        np.testing.assert_allclose(found["variable"][:, 0], estimator.predict(texts), rtol=1e-5)
    else:
        assert found["label"].tolist() == estimator.predict(texts).tolist()
        np.testing.assert_allclose(found["probabilities"], estimator.predict_proba(texts), rtol=0, atol=1e-5)


@settings(max_examples=100, deadline=None)
@given(
    texts=st.lists(
        st.text(max_size=60)
        | st.text(st.sampled_from("godbat 좋아요별로이😀"), max_size=60)
        | st.lists(st.sampled_from([*GOOD, *BAD, *PLAIN]), max_size=30).map(" ".join),
        min_size=1,
        max_size=40,
    )
)
def test_any_texts_answer_the_same(plain: onnx.ModelProto, texts: list[str]) -> None:
    same(plain, rewritten(plain), column(texts))


def test_rows_have_a_length_of_one_and_empty_ones_stay_zeros(plain: onnx.ModelProto) -> None:
    before, after = rows_themselves(plain), rows_themselves(rewritten(plain))
    texts = ["", "漢字", *ODD[4:7], "good 좋아요"]
    same(before, after, column(texts), 2e-7)
    [rows] = Graph(after.SerializeToString()).run(column(texts)).values()
    assert rows[:2].tolist() == np.zeros((2, rows.shape[1])).tolist()
    np.testing.assert_allclose(np.linalg.norm(rows[2:].astype(np.float64), axis=1), 1, rtol=1e-6)


def test_only_the_norm_changes_and_the_idf_stays_where_every_onnxruntime_reads_it_alike(plain: onnx.ModelProto) -> None:
    before, after = operators(plain), operators(rewritten(plain))
    place = before.index(NORM)
    assert after == [*before[:place], *PLAIN_NORM, *before[place + 1 :]]
    assert all(node in rewritten(plain).graph.node for node in plain.graph.node if node.op_type != NORM)


@pytest.mark.parametrize("norm", ["l1", None])
def test_other_norms_and_none_are_left_alone(norm: str | None, reviews: Reviews) -> None:
    model = make_pipeline(words(norm=norm), LogisticRegression()).fit(reviews.texts, reviews.labels)
    assert plain_norms(converted(model, reviews.texts)) is None


def test_a_largest_number_is_left_alone(plain: onnx.ModelProto) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(plain)
    [node] = [node for node in model.graph.node if node.op_type == NORM]
    del node.attribute[:]  # MAX is what ai.onnx.ml takes where nothing is said
    assert plain_norms(model) is None


def test_norms_of_numbers_are_left_alone(table: Table) -> None:
    model = make_pipeline(Normalizer(), LogisticRegression()).fit(*table.train)
    assert plain_norms(converted(model, table.examples)) is None


def test_norms_of_what_texts_became_are_left_alone(reviews: Reviews) -> None:
    model = make_pipeline(words(norm=None), TruncatedSVD(4, random_state=0), Normalizer(), LogisticRegression())
    graph = converted(model.fit(reviews.texts, reviews.labels), reviews.texts)
    assert NORM not in operators(graph)  # see scaling
    assert plain_norms(graph) is None


def test_double_precision_is_left_alone(plain: onnx.ModelProto) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(plain)
    place = operators(model).index(NORM)
    [counts] = model.graph.node[place].input
    model.graph.node.insert(place, helper.make_node("Cast", [counts], ["doubles"], to=TensorProto.DOUBLE))
    model.graph.node[place + 1].input[0] = "doubles"
    assert plain_norms(model) is None


def test_a_small_vocabulary_is_left_alone(plain: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    [vectorizer] = [node for node in plain.graph.node if node.op_type == "TfIdfVectorizer"]
    [size] = [len(each.ints) for each in vectorizer.attribute if each.name == "ngram_indexes"]
    monkeypatch.setattr("modelet.dev.publish.onnx.norms.ENOUGH", size)
    assert plain_norms(plain) is not None
    monkeypatch.setattr("modelet.dev.publish.onnx.norms.ENOUGH", size + 1)
    assert plain_norms(plain) is None


def test_each_norm_of_two_vectorizers_is_plain(reviews: Reviews, held_out: Reviews) -> None:
    model = make_pipeline(make_union(words(), characters(use_idf=False)), LogisticRegression())
    graph = converted(model.fit(reviews.texts, reviews.labels), reviews.texts)
    faster = rewritten(graph)
    assert operators(faster).count("ReduceSum") == operators(graph).count(NORM) == 2
    same(graph, faster, column([*held_out.texts, *ODD]))


def test_a_text_beside_numbers_answers_the_same(reviews: Reviews) -> None:
    frame = pd.DataFrame({"text": reviews.texts, "stars": [float(len(text) % 5) for text in reviews.texts]})
    columns = ColumnTransformer([("text", words(), "text"), ("stars", StandardScaler(), ["stars"])])
    graph = converted(make_pipeline(columns, LogisticRegression()).fit(frame, reviews.labels), frame)
    faster = rewritten(graph)
    assert NORM not in operators(faster)
    texts = [*reviews.texts[:50], *ODD]
    same(graph, faster, column(texts) | {"stars": np.arange(len(texts), dtype=np.float32).reshape(-1, 1)})


@pytest.mark.parametrize(("version", "inputs"), [(11, 1), (12, 1), (13, 2), (18, 2)])
def test_a_sum_names_its_axis_as_its_opset_does(plain: onnx.ModelProto, version: int, inputs: int) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(plain)
    for opset in model.opset_import:
        opset.version = opset.version if opset.domain else version
    faster = rewritten(model)
    [summed] = [node for node in faster.graph.node if node.op_type == "ReduceSum"]
    assert len(summed.input) == inputs
    same(model, faster, column(["good 좋아요", *ODD]))


def test_operators_too_old_to_divide_rows_by_their_length_are_left_alone(plain: onnx.ModelProto) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(plain)
    for opset in model.opset_import:
        opset.version = opset.version if opset.domain else 7
    assert plain_norms(model) is None


def test_it_is_done_once(plain: onnx.ModelProto) -> None:
    assert plain_norms(rewritten(plain)) is None
    data = plain.SerializeToString(deterministic=True)
    assert optimized(data) == optimized(optimized(data)) != data


def test_what_is_packed_has_the_plain_norm_and_was_compared(
    function: Function, reviews: Reviews, held_out: Reviews, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelet.dev.publish.onnx.norms.ENOUGH", ENOUGH)
    estimator = make_pipeline(characters(), LogisticRegression()).fit(reviews.texts, reviews.labels)
    assert len(estimator[0].vocabulary_) > ENOUGH
    trained = Trained(estimator=estimator, examples=held_out.texts, metrics={}, metric="")
    ready = package(function, trained, Silent())
    assert NORM not in operators(onnx.load_from_string(ready.files["model.onnx"]))
    assert ready.manifest.compiled is not None
    assert ready.manifest.compiled["parity"]["greatest_difference"] < 1e-6
