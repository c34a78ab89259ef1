"""Which compiled models are as good as their estimators, and which are refused: standing tests of the converters."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.onnx.doubles import as_compared
from modelet.dev.publish.onnx.graph import Graph
from modelet.dev.publish.parity import compare as module
from modelet.dev.publish.parity.compare import compare
from modelet.dev.publish.parity.edge_cases import probes
from modelet.dev.publish.source.examples import rows_of
from modelet.errors import ConversionError, ParityError, PublishError
from modelet.publishing import Trained, columns_of
from modelet.store.manifest import Column
from support.frames import people

if TYPE_CHECKING:
    from unit.modelet.dev.publish.conftest import Reviews, Table


def compared(estimator: Any, examples: Any, **said: Any) -> dict[str, Any]:
    rows = as_compared(
        rows_of(Trained(estimator=estimator, examples=examples, metrics={}, metric="", **said)), estimator
    )
    return compare(estimator, Graph(to_graph(estimator, rows, "m"), rows.features), rows, probes(estimator, rows))


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        DecisionTreeClassifier(random_state=0),
        RandomForestClassifier(15, random_state=0),
        ExtraTreesClassifier(15, random_state=0),
        GradientBoostingClassifier(n_estimators=10, random_state=0),
        HistGradientBoostingClassifier(max_iter=10, random_state=0),
        CalibratedClassifierCV(LogisticRegression(), cv=2),
        make_pipeline(StandardScaler(), LinearSVC()),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_a_classifier_that_converts_well_is_equal_on_every_row(estimator: Any, table: Table) -> None:
    figures = compared(estimator.fit(*table.train), table.examples)
    assert figures["example_rows"] == 300
    assert figures["generated_rows"] > 100
    assert figures["labels_equal"]
    assert figures["greatest_difference"] < 2e-6
    assert figures["measure"] == ("probability" if hasattr(estimator, "predict_proba") else "relative")


def machine(rows: Any, labels: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # scikit-learn 1.9 gives up `probability`
        return SVC(probability=True, random_state=0).fit(rows, labels)


def test_a_support_vector_machine_is_equal_on_every_row(table: Table) -> None:
    assert compared(machine(*table.train), table.examples)["greatest_difference"] < 2e-6


@pytest.mark.parametrize("names", [["a", "b", "c"], [0, 1, 2], [False, True, True]])
def test_a_support_vector_machine_s_label_is_the_predicted_one_even_where_another_is_likelier(names: list[Any]) -> None:
    rows, kinds = make_classification(600, 6, random_state=3, flip_y=0.3, n_classes=3, n_informative=4)
    labels = np.array(names)[kinds]
    vectors = machine(rows[::2], labels[::2])
    likeliest = vectors.classes_[vectors.predict_proba(rows[1::2]).argmax(axis=1)]
    assert (likeliest != vectors.predict(rows[1::2])).any()
    assert compared(vectors, rows[1::2])["greatest_difference"] < 2e-6


@pytest.mark.parametrize("kind", [bool, float, int])
@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), RandomForestClassifier(15, random_state=0)],
    ids=lambda each: type(each).__name__,
)
def test_labels_that_are_no_text_are_equal_on_every_row(estimator: Any, kind: type[Any], table: Table) -> None:
    model = estimator.fit(table.rows[::2], (table.labels[::2] == "yes").astype(kind))
    assert compared(model, table.examples)["labels_equal"]


@pytest.mark.parametrize(
    "estimator",
    [
        Ridge(),
        RandomForestRegressor(15, random_state=0),
        ExtraTreesRegressor(15, random_state=0),
        GradientBoostingRegressor(n_estimators=10, random_state=0),
        HistGradientBoostingRegressor(max_iter=10, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_a_regressor_that_converts_well_is_equal_on_every_row(estimator: Any, table: Table) -> None:
    figures = compared(estimator.fit(table.rows[::2], 100 * table.rows[::2, 0]), table.examples)
    assert figures["greatest_difference"] < 2e-6
    assert figures["measure"] == "relative"


def test_neighbours_are_equal_near_the_examples(table: Table) -> None:
    neighbours = KNeighborsClassifier().fit(*table.train)
    assert compared(neighbours, table.examples)["greatest_difference"] < 1e-6
    bounded = columns_of(table.rows, bounded=True)
    assert compared(neighbours, table.examples, columns=bounded)["greatest_difference"] < 1e-6


@pytest.mark.parametrize(
    "vectorizer",
    [
        TfidfVectorizer(lowercase=False, token_pattern=r"\S+"),
        TfidfVectorizer(lowercase=False, token_pattern=r"\S+", ngram_range=(1, 2)),
        TfidfVectorizer(lowercase=False, token_pattern=r"[^ ]+"),
        TfidfVectorizer(lowercase=False, token_pattern="[a-z가-힣0-9]+"),
        TfidfVectorizer(lowercase=False, analyzer="char", ngram_range=(1, 3)),
        CountVectorizer(lowercase=False, token_pattern=r"\S+", binary=True),
    ],
    ids=lambda vectorizer: f"{vectorizer.analyzer} {vectorizer.token_pattern} {vectorizer.ngram_range}",
)
def test_korean_and_english_text_is_equal_on_every_row(vectorizer: Any, reviews: Reviews, held_out: Reviews) -> None:
    model = make_pipeline(vectorizer, LogisticRegression()).fit(reviews.texts, reviews.labels)
    assert compared(model, held_out.texts)["greatest_difference"] < 2e-6


def mixed(unknown: str) -> Any:
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "visits"]),
            ("city", OneHotEncoder(handle_unknown=unknown), ["city"]),
            ("member", "passthrough", ["member"]),
        ]
    )
    return make_pipeline(columns, LogisticRegression())


def test_a_mixed_frame_with_missing_values_and_unseen_words_is_equal_on_every_row() -> None:
    frame = people()
    assert compared(mixed("ignore").fit(frame, frame["visits"] > 4), frame)["greatest_difference"] < 2e-6


def test_a_word_that_the_estimator_refuses_and_the_graph_answers_refuses_the_publish() -> None:
    frame = people()
    model = mixed("error").fit(frame, frame["visits"] > 4)
    with pytest.raises(ParityError, match=r"rejects a row that the graph would accept .Found unknown categories"):
        compared(model, frame)
    known = frame.astype({"city": "category"})
    assert compared(model, known)["greatest_difference"] < 2e-6


def test_a_calibrated_pipeline_is_refused(table: Table) -> None:
    calibrated = CalibratedClassifierCV(make_pipeline(StandardScaler(), LogisticRegression()), cv=2)
    with pytest.raises(ParityError, match="300 of 300 held-out rows"):
        compared(calibrated.fit(*table.train), table.examples)


VECTORIZERS = [
    {},
    {"ngram_range": (1, 2), "min_df": 2},
    {"sublinear_tf": True, "token_pattern": r"\S\S+"},
    {"token_pattern": r"(?i)\b[a-z]{3,}\b", "stop_words": ["the"]},
    {"analyzer": "char", "ngram_range": (1, 3)},
]


@pytest.mark.parametrize("given", VECTORIZERS)
def test_texts_are_split_and_counted_in_the_graph_as_in_python(
    given: dict[str, Any], reviews: Reviews, held_out: Reviews
) -> None:
    vectorizer = TfidfVectorizer(lowercase=False, **given)
    model = make_pipeline(vectorizer, LogisticRegression()).fit(reviews.texts, reviews.labels)
    assert compared(model, held_out.texts)["greatest_difference"] < 2e-6


def beside_a_number(texts: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"text": texts, "stars": np.arange(len(texts)) % 5})


def with_the_rest(vectorizer: Any) -> Any:
    columns = ColumnTransformer([("text", vectorizer, "text")], remainder="passthrough")
    return make_pipeline(columns, LogisticRegression())


@pytest.mark.parametrize("given", VECTORIZERS)
def test_texts_beside_a_number_are_too(given: dict[str, Any], reviews: Reviews, held_out: Reviews) -> None:
    model = with_the_rest(TfidfVectorizer(lowercase=False, **given)).fit(beside_a_number(reviews.texts), reviews.labels)
    assert compared(model, beside_a_number(held_out.texts))["greatest_difference"] < 2e-6


@pytest.mark.parametrize("pattern", ["[a-zA-Z0-9_][a-zA-Z0-9_]+", r"[^\W_]+", r"[^ ]+", "[a-zA-Z0-9_가-힣]+"])
@pytest.mark.parametrize("beside", [False, True])
def test_a_graph_that_splits_in_another_way_is_refused_even_if_all_examples_are_english(
    pattern: str, beside: bool
) -> None:
    texts = ["good great movie", "bad awful movie", "the movie it was"] * 30
    examples, words = (beside_a_number(texts), with_the_rest) if beside else (texts, make_pipeline)
    ends = () if beside else (LogisticRegression(),)
    ours, theirs = (
        words(CountVectorizer(lowercase=False, **given), *ends).fit(examples, [1, 0, 0] * 30)
        for given in ({}, {"token_pattern": pattern})
    )
    rows = rows_of(Trained(estimator=ours, examples=examples, metrics={}, metric=""))
    graph = Graph(to_graph(theirs, rows, "m"), rows.features)
    with pytest.raises(ParityError, match=r"differ on \d+ of \d+ generated rows"):
        compare(ours, graph, rows, probes(ours, rows))


def test_the_worst_rows_are_shown(reviews: Reviews, held_out: Reviews) -> None:
    ours, theirs = (
        make_pipeline(CountVectorizer(lowercase=False, token_pattern=pattern), LogisticRegression())
        for pattern in (r"\w+", "[a-z]+")
    )
    ours.fit(reviews.texts, reviews.labels)
    theirs.fit(reviews.texts, reviews.labels)
    rows = rows_of(Trained(estimator=ours, examples=held_out.texts, metrics={}, metric=""))
    graph = Graph(to_graph(theirs, rows, "m"), rows.features)
    with pytest.raises(ParityError, match=r"of 200 held-out rows .* labels change") as refused:
        compare(ours, graph, rows, probes(ours, rows))
    _, *shown = str(refused.value).splitlines()
    assert len(shown) == 5
    assert all("estimator 'positive'" in row or "estimator 'negative'" in row for row in shown)


def test_character_ngrams_of_runs_of_space_need_an_author_s_own_preprocess_or_a_graph_that_collapses_them(
    reviews: Reviews,
) -> None:
    spacious = [text.replace(" ", "  ", 1) for text in reviews.texts]
    vectorizer = TfidfVectorizer(lowercase=False, analyzer="char", ngram_range=(1, 3))
    model = make_pipeline(vectorizer, LogisticRegression()).fit(reviews.texts, reviews.labels)
    assert compared(model, spacious)["greatest_difference"] < 2e-6
    rows = rows_of(Trained(estimator=model, examples=spacious, metrics={}, metric=""))
    plain = Graph(to_graph(model, rows, "m", collapsed=True), rows.features)
    with pytest.raises(ParityError, match="held-out rows"):
        compare(model, plain, rows, probes(model, rows))
    collapsed = rows_of(Trained(estimator=model, examples=reviews.texts, metrics={}, metric=""))
    assert compare(model, plain, collapsed, probes(model, collapsed, collapsed=True))["labels_equal"]


def seconds(table: Table) -> Any:
    """Times in seconds since 1970: float32 keeps two minutes of them apart."""
    return 1.7e9 + np.round(table.rows * 300)


def test_histogram_boosting_tells_apart_what_float32_does_not(table: Table) -> None:
    times = seconds(table)
    boosted = HistGradientBoostingClassifier(max_iter=10).fit(times[::2], table.labels[::2])
    assert compared(boosted, times[1::2])["greatest_difference"] < 1e-6


def test_a_forest_behind_a_scaler_sees_the_doubles_that_were_scaled(table: Table) -> None:
    tenths = np.round(table.rows * 40) / 10 + 20
    forest = make_pipeline(StandardScaler(), RandomForestClassifier(15, random_state=0))
    forest.fit(tenths[::2], table.labels[::2])
    assert compared(forest, tenths[1::2])["greatest_difference"] < 1e-6


def test_double_inputs_to_a_forest_itself_are_equal_because_it_rounds_them_as_the_graph_does(table: Table) -> None:
    times = seconds(table)
    forest = RandomForestClassifier(15, random_state=0).fit(times[::2], table.labels[::2])
    assert compared(forest, times[1::2])["greatest_difference"] < 1e-6


def test_a_forest_fed_doubles_by_another_graph_would_not_be(table: Table) -> None:
    times = seconds(table)
    forest = RandomForestClassifier(15, random_state=0).fit(times[::2], table.labels[::2])
    options = {id(forest): {"zipmap": False}}
    model = to_onnx(forest, initial_types=[("input", DoubleTensorType([None, 6]))], options=options, target_opset=18)
    shares = Graph(model.SerializeToString()).run({"input": times[1::2]})["probabilities"]
    assert np.abs(shares - forest.predict_proba(times[1::2])).max() > 1e-2


def test_a_linear_model_on_numbers_that_float32_cannot_tell_apart_is_refused_and_trained_on_float32_is_not(
    table: Table,
) -> None:
    rows, labels = 1000 + table.rows * 1e-4, table.labels
    model = make_pipeline(StandardScaler(), LogisticRegression())
    with pytest.raises(ParityError, match="held-out rows"):
        compared(model.fit(rows[::2], labels[::2]), rows[1::2])
    rounded = np.round(table.rows * 8).astype(np.float32)
    assert compared(model.fit(rounded[::2], labels[::2]), rounded[1::2])["greatest_difference"] < 2e-6


def test_two_labels_that_tie_are_refused_with_the_remedy() -> None:
    noise = np.random.default_rng(0)
    rows, labels = noise.normal(size=(2000, 3)), noise.integers(0, 2, 2000)
    forest = RandomForestClassifier(20, random_state=0).fit(rows[::2], labels[::2])
    with pytest.raises(ParityError, match=r"label.* change.*a forest with an odd number of trees"):
        compared(forest, rows[1::2])
    odd = RandomForestClassifier(21, random_state=0).fit(rows[::2], labels[::2])
    assert compared(odd, rows[1::2])["greatest_difference"] < 1e-6


def test_missing_values_in_a_forest_are_refused_with_the_remedy(table: Table) -> None:
    rows = table.rows.copy()
    rows[::3, :3] = np.nan
    forest = RandomForestClassifier(15, random_state=0).fit(rows[::2], table.labels[::2])
    with pytest.raises(ParityError, match="Only rows with missing values differ: fill them"):
        compared(forest, rows[1::2])


def test_a_binary_discriminant_is_refused_because_its_converter_is_wrong(table: Table) -> None:
    with pytest.raises(ConversionError, match="gives other probabilities for two labels in a graph: train Logistic"):
        compared(LinearDiscriminantAnalysis().fit(*table.train), table.examples)


def test_a_graph_that_fails_on_generated_rows_is_refused(table: Table) -> None:
    near = RadiusNeighborsClassifier(12, outlier_label="most_frequent").fit(*table.train)
    with pytest.raises(ParityError, match=r"the graph fails: .*on generated rows: set backend: sklearn"):
        compared(near, table.examples)


def test_an_estimator_that_cannot_predict_its_examples_is_named(table: Table) -> None:
    rows = rows_of(Trained(estimator=Ridge(), examples=table.examples, metrics={}, metric=""))
    with pytest.raises(PublishError, match=r"Ridge cannot predict its own examples .*not fitted"):
        module.told(Ridge(), rows)


def test_an_example_beyond_float32_is_refused_because_no_request_gets_it_through(table: Table) -> None:
    rows = table.examples.copy()
    rows[7, 2] = 1e39
    with pytest.raises(ParityError, match=r"field x2: Input is beyond the range of float32.*backend: sklearn"):
        compared(Ridge().fit(table.rows[::2], table.rows[::2, 0]), rows)


def test_bounds_beyond_float32_are_not_probed_because_no_request_reaches_them(table: Table) -> None:
    columns = [Column(f"x{place}", "number", minimum=-1e300, maximum=1e300) for place in range(6)]
    model = RandomForestClassifier(5, random_state=0).fit(*table.train)
    assert compared(model, table.examples, columns=columns)["labels_equal"]


def test_very_many_examples_are_compared_in_part(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMPARED", 100)
    figures = compared(Ridge().fit(table.rows[::2], table.rows[::2, 0]), table.examples)
    assert figures["example_rows"] == 100


def test_rows_on_which_labels_are_a_toss_up_are_not_generated(table: Table) -> None:
    model = LogisticRegression().fit(*table.train)
    model.coef_[:] = 0
    model.intercept_[:] = 0
    assert compared(model, table.examples)["generated_rows"] == 0
