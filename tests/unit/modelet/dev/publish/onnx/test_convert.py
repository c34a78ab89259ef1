"""Estimators that become graphs, and those that cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.cluster import MeanShift
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC

from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.onnx.graph import Graph
from modelet.dev.publish.source.examples import rows_of
from modelet.errors import ConversionError
from modelet.publishing import Trained

if TYPE_CHECKING:
    from unit.modelet.dev.publish.conftest import Reviews, Table


def converted(estimator: Any, examples: Any) -> Graph:
    rows = rows_of(Trained(estimator=estimator, examples=examples, metrics={}, metric=""))
    return Graph(to_graph(estimator, rows, "m"), rows.features)


def test_a_classifier_takes_float32_and_gives_its_own_labels_and_their_probabilities(table: Table) -> None:
    graph = converted(LogisticRegression().fit(*table.train), table.examples)
    assert [(node.name, node.type, node.shape) for node in graph.inputs.values()] == [
        ("input", "tensor(float)", [None, 6])
    ]
    assert [(node.name, node.type) for node in graph.outputs.values()] == [
        ("label", "tensor(string)"),
        ("probabilities", "tensor(float)"),
    ]
    assert graph.described()["ir_version"] == 8


def test_a_regressor_gives_a_variable(table: Table) -> None:
    graph = converted(LinearRegression().fit(table.rows, table.rows[:, 0]), table.examples)
    assert [node.name for node in graph.outputs.values()] == ["variable"]


@pytest.mark.parametrize("kind", [LinearSVC, SVC, RidgeClassifier])
def test_a_classifier_without_probabilities_gives_its_label_and_its_decision(kind: Any, table: Table) -> None:
    model = kind().fit(*table.train)
    graph = converted(model, table.examples)
    assert list(graph.outputs) == ["label", "scores"]
    found = graph.run({"input": table.examples.astype(np.float32)})["scores"]
    assert found.shape == (len(table.examples), 1)
    assert found[:, 0] == pytest.approx(model.decision_function(table.examples), abs=1e-4)


def test_a_text_model_takes_one_column_of_strings(reviews: Reviews) -> None:
    model = make_pipeline(TfidfVectorizer(lowercase=False, token_pattern=r"\S+"), LogisticRegression())
    graph = converted(model.fit(reviews.texts, reviews.labels), reviews.texts)
    assert [(node.name, node.type, node.shape) for node in graph.inputs.values()] == [
        ("text", "tensor(string)", [None, 1])
    ]


def mixed() -> tuple[Any, pd.DataFrame]:
    frame = pd.DataFrame({"my score": [0.5, 1.5] * 20, "visits": [1, 2] * 20, "도시": ["서울", "부산"] * 20})
    columns = ColumnTransformer([("city", OneHotEncoder(), ["도시"])], remainder="passthrough")
    return make_pipeline(columns, LogisticRegression()).fit(frame, [0, 1] * 20), frame


def test_a_mixed_frame_is_an_input_for_each_column_under_its_own_name() -> None:
    graph = converted(*mixed())
    assert [(node.name, node.type) for node in graph.inputs.values()] == [
        ("my score", "tensor(float)"),
        ("visits", "tensor(int64)"),
        ("도시", "tensor(string)"),
    ]


def test_a_graph_imports_each_set_of_operators_once(table: Table) -> None:
    data = converted(HistGradientBoostingClassifier(max_iter=3).fit(*table.train), table.examples).data
    domains = [opset.domain for opset in onnx.load_from_string(data).opset_import]
    assert len(set(domains)) == len(domains)


DIGEST = """
import hashlib
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from modelet.publishing import Trained
from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.source.examples import rows_of
rows, labels = make_classification(100, 6, random_state=0)
splitter = TfidfVectorizer(lowercase=False, token_pattern=r"\\S+")
texts = ["good 좋아요", "bad 나쁨", "so so"] * 9
for model, examples, targets in (
    (make_pipeline(StandardScaler(), LogisticRegression()), rows, labels),
    (GradientBoostingClassifier(n_estimators=3, random_state=0), rows, labels),
    (make_pipeline(splitter, LogisticRegression()), texts, [1, 0, 1] * 9),
):
    model.fit(examples, targets)
    made = rows_of(Trained(estimator=model, examples=examples, metrics={}, metric=""))
    print(hashlib.sha256(to_graph(model, made, "m")).hexdigest())
"""


def test_the_same_training_gives_the_same_bytes_in_every_process() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert len(next(iter(said)).split()) == 3


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        (
            VotingClassifier([("a", GaussianNB()), ("b", LogisticRegression())]),
            r"VotingClassifier cannot become an ONNX graph",
        ),
        (DummyClassifier(), "skl2onnx has no working converter for DummyClassifier"),
        (make_pipeline(FunctionTransformer(np.tanh), LogisticRegression()), "FunctionTransformer is not supported"),
    ],
)
def test_what_cannot_convert_says_so_in_one_sentence_and_offers_the_other_backend(
    estimator: Any, said: str, table: Table
) -> None:
    with pytest.raises(ConversionError, match=said) as refused:
        converted(estimator.fit(*table.train), table.examples)
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith("set backend: sklearn in model.yaml")


@pytest.mark.parametrize(
    ("vectorizer", "said"),
    [
        (HashingVectorizer(), "no working converter for HashingVectorizer"),
        (TfidfVectorizer(lowercase=False, analyzer="char_wb"), "makes n-grams within words, which a graph cannot"),
        (TfidfVectorizer(lowercase=False, tokenizer=str.split, token_pattern=None), "has a custom tokenizer"),
        (TfidfVectorizer(lowercase=False, preprocessor=str.lower), "has a custom preprocessor"),
        (TfidfVectorizer(lowercase=False, analyzer=str.split), "has a custom analyzer"),
        (TfidfVectorizer(lowercase=False, strip_accents="unicode"), "strips accents, which a graph cannot"),
        (TfidfVectorizer(token_pattern=r"\S+"), "train with lowercase=False"),
        (TfidfVectorizer(analyzer="char"), "train with lowercase=False"),
        (TfidfVectorizer(lowercase=False, stop_words=["the"], ngram_range=(1, 2)), "removes stop words between"),
        (
            TfidfVectorizer(lowercase=False, stop_words=["the"], vocabulary=["good", "bad", "the"]),
            "'the' in its vocabulary and among its stop words",
        ),
        (
            TfidfVectorizer(lowercase=False, token_pattern=r"(?<!#)\w+"),
            r"a graph cannot reproduce \(it looks ahead or behind",
        ),
        (
            TfidfVectorizer(lowercase=False, token_pattern="[a-z ]+", ngram_range=(1, 2)),
            "tokens may contain the spaces",
        ),
        (TfidfVectorizer(lowercase=False, token_pattern=r"\b[a-z]+\b", ngram_range=(1, 2)), "some of the words"),
        (TfidfVectorizer(lowercase=False, token_pattern=r"\b[a-z]+\b", vocabulary=["x1", "good"]), "does not match"),
        (
            TfidfVectorizer(lowercase=False, analyzer="char", vocabulary=["go", "o"]),
            "terms in its vocabulary that are not",
        ),
    ],
)
def test_text_that_the_graph_cannot_split_as_python_does_is_refused(
    vectorizer: Any, said: str, reviews: Reviews
) -> None:
    model = make_pipeline(vectorizer, LogisticRegression()).fit(reviews.texts, reviews.labels)
    with pytest.raises(ConversionError, match=said):
        converted(model, reviews.texts)


def test_several_targets_and_what_predicts_nothing_are_refused(table: Table) -> None:
    several = RandomForestClassifier(2).fit(table.rows, np.c_[table.labels, table.labels])
    with pytest.raises(ConversionError, match="several targets"):
        converted(several, table.examples)
    with pytest.raises(ConversionError, match=r"no converter for MeanShift.*set backend: sklearn"):
        converted(MeanShift().fit(table.rows), table.examples)


def test_a_text_column_with_missing_values_is_refused() -> None:
    estimator, frame = mixed()
    missing = frame.assign(도시=["서울", None] * 20)
    with pytest.raises(ConversionError, match="column 도시 has missing texts"):
        converted(estimator.fit(missing, [0, 1] * 20), missing)


def test_a_column_with_the_name_of_an_output_is_refused() -> None:
    _, frame = mixed()
    frame = frame.rename(columns={"visits": "label"})
    numbers = frame[["my score", "label"]].astype({"label": "int64"})
    encoded = ColumnTransformer([("all", StandardScaler(), ["my score", "label"])])
    estimator = make_pipeline(encoded, LogisticRegression()).fit(numbers, [0, 1] * 20)
    with pytest.raises(ConversionError, match="column label has the same name as the graph's output"):
        converted(estimator, numbers)
