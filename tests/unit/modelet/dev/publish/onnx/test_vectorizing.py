"""Text vectorizers in a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.onnx.graph import Graph
from modelet.dev.publish.onnx.optimize import optimized
from modelet.dev.publish.source.rows import Rows
from modelet.store.manifest import Column

if TYPE_CHECKING:
    from unit.modelet.dev.publish.conftest import Reviews

COLUMNS = (Column("text", "string"),)
WORDS = st.sampled_from(["good", "bad", "좋아요", "나쁜", "product", "great２", "greaté", "İ", "ﬁne", "#", "##", "a_b"])  # noqa: RUF001 - they are meant
JOINTS = st.sampled_from(["", " ", "  ", "\t", "\u3000\n", "é", "은", "\u0301", "\u200d", "٣", ".", "\x00", "\n", "-"])
TEXTS = st.lists(
    st.one_of(
        st.lists(st.tuples(WORDS, JOINTS), max_size=12).map(lambda parts: "".join(map("".join, parts))),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    ),
    min_size=1,
    max_size=6,
)


def graph(model: Any) -> Graph:
    return Graph(optimized(to_graph(model, Rows([""], "text", COLUMNS), "m")), ("text",), optimized=True)


def shares(served: Graph, texts: list[str]) -> Any:
    return served.answer([{"text": text} for text in texts])["probabilities"]


@pytest.mark.parametrize(
    "vectorizer",
    [
        TfidfVectorizer(lowercase=False),
        CountVectorizer(lowercase=False, token_pattern=r"(?i)[a-zé]+|\d", binary=True),
        TfidfVectorizer(lowercase=False, ngram_range=(1, 3), max_features=60, norm="l1"),
        TfidfVectorizer(lowercase=False, ngram_range=(2, 2), token_pattern=r"\S+", sublinear_tf=True),
        TfidfVectorizer(lowercase=False, analyzer="char", ngram_range=(2, 4), min_df=2),
        CountVectorizer(lowercase=False, analyzer="char"),
        make_pipeline(
            CountVectorizer(lowercase=False, token_pattern=r"\b[a-z]+\b"),
            TfidfTransformer(sublinear_tf=True, norm=None),
        ),
    ],
    ids=lambda vectorizer: str(vectorizer).replace("\n", ""),
)
def test_a_graph_counts_as_python_does_whatever_the_text_together_and_alone(vectorizer: Any, reviews: Reviews) -> None:
    texts, labels = [*reviews.texts, "good # bad # bad", "a## b#"], [*reviews.labels, "negative", "positive"]
    model = make_pipeline(vectorizer, LogisticRegression(C=20)).fit(texts, labels)
    served = graph(model)

    @settings(max_examples=40, deadline=None)
    @given(TEXTS)
    def same(texts: list[str]) -> None:
        expected = model.predict_proba(texts)
        np.testing.assert_allclose(shares(served, texts), expected, atol=2e-6)
        for text, one in zip(texts, expected, strict=True):
            np.testing.assert_allclose(shares(served, [text]), [one], atol=2e-6)

    same()


def test_what_fills_up_short_texts_is_in_no_ngram() -> None:
    model = make_pipeline(
        CountVectorizer(lowercase=False, analyzer="char", ngram_range=(2, 2)), LogisticRegression(C=20)
    ).fit(["a#", "b##", "abc", "cab"], [1, 1, 0, 0])
    texts = ["a", "abcabcabc", "b", ""]
    np.testing.assert_allclose(shares(graph(model), texts), model.predict_proba(texts), atol=1e-6)


def test_a_very_long_text_is_counted_too(reviews: Reviews) -> None:
    model = make_pipeline(TfidfVectorizer(lowercase=False), LogisticRegression()).fit(reviews.texts, reviews.labels)
    texts = ["good 나쁜 " * 100_000, "é" * 500_000]
    np.testing.assert_allclose(shares(graph(model), texts), model.predict_proba(texts), atol=1e-5)


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_rows_of_texts_have_a_length_of_one_and_empty_ones_stay_zeros(norm: str, reviews: Reviews) -> None:
    vectorizer = TfidfVectorizer(lowercase=False, norm=norm)
    model = make_pipeline(vectorizer, Ridge()).fit(reviews.texts, [len(text) for text in reviews.texts])
    whole = onnx.load_from_string(to_graph(model, Rows([""], "text", COLUMNS), "m"))
    assert "Normalizer" not in {node.op_type for node in whole.graph.node}  # it is slow: see normalized_texts
    name = next(node for node in whole.graph.node if node.op_type == "LinearRegressor").input[0]
    del whole.graph.output[:]
    whole.graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, None]))
    texts = ["", "漢字", *reviews.texts[:5], "good " * 2000]
    [rows] = Graph(whole.SerializeToString()).run({"text": np.array([[text] for text in texts], object)}).values()
    np.testing.assert_allclose(rows, vectorizer.transform(texts).toarray(), rtol=1e-6, atol=1e-7)
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, ord=int(norm[1]))
    assert lengths.tolist()[:2] == [0, 0]
    np.testing.assert_allclose(lengths[2:], 1, rtol=1e-6)


def test_the_author_s_vectorizer_is_left_as_it_was(reviews: Reviews) -> None:
    model = make_pipeline(TfidfVectorizer(lowercase=False), LogisticRegression()).fit(reviews.texts, reviews.labels)
    before = {name: dict(vars(step)) for name, step in model.steps}
    graph(model)
    assert {name: dict(vars(step)) for name, step in model.steps} == before
