"""What is published answers its own examples as the model does, or is refused in one sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.progress import Silent
from modelet.dev.publish.claim import claimed
from modelet.dev.publish.draft import Package, listed
from modelet.dev.publish.package import package
from modelet.dev.publish.parity import smoke_test as module
from modelet.dev.publish.parity.predictions import Answers
from modelet.dev.publish.source.examples import rows_of
from modelet.dev.publish.source.pickles import dumped
from modelet.dev.publish.write import write_version
from modelet.errors import ConversionError, PublishError
from modelet.publishing import Trained, pin
from modelet.settings import Settings
from modelet.store.manifest import Column
from support.callers import in_process
from support.contexts import Context
from support.events import http_event
from support.frames import people

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelet.dev.project.project import Function
    from modelet.store.store import Store
    from unit.modelet.dev.publish.conftest import Reviews, Table

BOTH = pytest.mark.parametrize("backend", ["onnx", "sklearn"])


class Heard(Silent):
    """Remembers the steps."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)


def packed(function: Function, estimator: Any, examples: Any, **said: Any) -> Package:
    trained = Trained(estimator=estimator, examples=examples, metrics={}, metric="", **said)
    return package(function, trained, Silent())


def served(function: Function, ready: Package, store: Store, tmp: Path, instances: list[Any]) -> list[Any]:
    """What the function answers over HTTP once the package is a version."""
    with claimed(store, function.name, None, ready.manifest_of) as owned:
        write_version(store, ready.manifest, ready.files, owned, Silent())
    (function.folder / "model.yaml").write_text(f"backend: {function.spec.backend}\n")
    write_bundle(function, store, pin(function, store))
    with in_process(function, Settings(function.folder, store.url, tmp)) as handler:
        event = http_event("POST", f"/models/{function.name}/infer", {"instances": instances})
        response = handler(event, Context())
    assert response["statusCode"] == 200, response["body"]
    found: list[Any] = json.loads(response["body"])["predictions"]
    return found


def by_name() -> Any:
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "visits"]),
            ("city", OneHotEncoder(handle_unknown="ignore"), ["city"]),
            ("member", "passthrough", ["member"]),
        ]
    )
    return make_pipeline(columns, LogisticRegression())


@BOTH
def test_columns_picked_by_name_with_missing_values_are_served_as_the_estimator_predicts(
    make_function: Callable[..., Function], file_store: Store, tmp_path: Path, backend: str
) -> None:
    frame = people()
    model = by_name().fit(frame, np.where(frame["visits"] > 4, "often", "seldom"))
    function = make_function(backend=backend)
    instances = [
        {"age": 31.5, "visits": 2, "city": "서울", "member": True},
        {"visits": 8, "city": "x", "member": False},
    ]
    expected = model.predict_proba(pd.DataFrame(instances)).max(axis=1)
    found = served(function, packed(function, model, frame), file_store, tmp_path, instances)
    assert [one["label"] for one in found] == ["seldom", "often"]
    assert [one["probability"] for one in found] == pytest.approx(expected, abs=1e-5)


@BOTH
def test_several_targets_of_a_regressor_are_served_by_name(
    make_function: Callable[..., Function], file_store: Store, tmp_path: Path, table: Table, backend: str
) -> None:
    model = LinearRegression().fit(table.rows, table.rows[:, :3] * 2)
    function = make_function(backend=backend)
    ready = packed(function, model, table.examples, feature_names=list("abcdef"))
    assert ready.manifest.answer == {
        "outputs": ["variable"],
        "targets": [{"name": "y0"}, {"name": "y1"}, {"name": "y2"}],
    }
    [found] = served(function, ready, file_store, tmp_path, [dict.fromkeys("abcdef", 0.5)])
    assert list(found.values()) == pytest.approx(model.predict([[0.5] * 6])[0], rel=1e-4)


@BOTH
def test_a_target_with_a_list_around_it_is_one_number(
    make_function: Callable[..., Function], file_store: Store, tmp_path: Path, table: Table, backend: str
) -> None:
    function = make_function(backend=backend)
    ready = packed(function, LinearRegression().fit(table.rows, table.rows[:, :1]), table.examples)
    assert ready.manifest.answer == {"outputs": ["variable"]}
    [found] = served(function, ready, file_store, tmp_path, [{f"x{place}": 0.5 for place in range(6)}])
    assert found == pytest.approx(0.5, rel=1e-4)


@BOTH
@pytest.mark.parametrize("labels", [np.array([False, True]), np.array([0.0, 1.0]), np.array([7, 9])], ids=str)
def test_labels_that_are_no_text_are_served_as_they_are(
    make_function: Callable[..., Function],
    file_store: Store,
    tmp_path: Path,
    table: Table,
    backend: str,
    labels: Any,
) -> None:
    model = LogisticRegression().fit(table.rows, labels[(table.labels == "yes").astype(int)])
    function = make_function(backend=backend)
    ready = packed(function, model, table.examples)
    instances = [{f"x{place}": value for place, value in enumerate(row)} for row in table.examples[:20].tolist()]
    found = [one["label"] for one in served(function, ready, file_store, tmp_path, instances)]
    assert found == model.predict(table.examples[:20]).tolist()
    assert {type(label) for label in found} == {type(labels[0].item())}


@pytest.mark.parametrize(
    "classifier",
    [RandomForestClassifier(5, random_state=0), MultiOutputClassifier(LogisticRegression())],
    ids=lambda classifier: type(classifier).__name__,
)
def test_a_classifier_of_several_targets_answers_with_each(
    make_function: Callable[..., Function], file_store: Store, tmp_path: Path, table: Table, classifier: Any
) -> None:
    labels = np.c_[table.labels, np.where(table.rows[:, 0] > 0, "a", np.where(table.rows[:, 1] > 0, "b", "c"))]
    model = classifier.fit(table.rows, labels)
    function = make_function(backend="sklearn")
    ready = packed(function, model, table.examples)
    [answer] = served(
        function, ready, file_store, tmp_path, [dict(zip(ready.manifest.features, table.examples[0], strict=True))]
    )
    expected = model.predict(table.examples[:1])[0].tolist()
    assert [each["label"] for each in answer.values()] == expected
    with pytest.raises(ConversionError, match="has several targets, each with its own labels: set backend: sklearn"):
        packed(make_function(), model, table.examples)


class ByName(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Takes DataFrames without saying so."""

    def fit(self, rows: Any, targets: Any) -> ByName:
        self.n_features_in_ = rows.shape[1]
        self.targets_ = len(targets)
        return self

    def predict(self, rows: Any) -> Any:
        return rows["age"].fillna(0).to_numpy()


def test_an_estimator_that_fails_when_served_is_refused_in_one_sentence(make_function: Callable[..., Function]) -> None:
    frame = people()
    with pytest.raises(
        PublishError, match=r"reject its own examples .*cannot process some of these rows.*write app.py"
    ) as refused:
        packed(make_function(backend="sklearn"), ByName().fit(frame, frame), frame)
    assert "\n" not in str(refused.value)


WORDS = ["a", "b", None, "a", "c", "b"] * 12
HELD: dict[str, Any] = {
    "str": pd.Series(WORDS, dtype="str"),
    "objects, None": pd.Series(WORDS, dtype=object),
    "objects, nan": pd.Series([np.nan if word is None else word for word in WORDS], dtype=object),
    "categories": pd.Series(WORDS, dtype="category"),
    "flags": pd.Series([None if word is None else word == "a" for word in WORDS], dtype=object),
    "Int64": pd.Series([None if word is None else ord(word) for word in WORDS], dtype="Int64"),
    "numbers": pd.Series([np.nan if word is None else float(ord(word)) for word in WORDS]),
}
"""Columns that lack some values, for an encoder that knows the missing value as a category of its own."""


@pytest.mark.parametrize("name", HELD)
def test_a_missing_value_is_served_as_the_estimator_knows_it_alone_and_beside_others(
    make_function: Callable[..., Function], file_store: Store, tmp_path: Path, name: str
) -> None:
    frame = pd.DataFrame({"x": HELD[name], "n": np.tile([0.5, 1.5, 2.5], len(WORDS) // 3)})
    target = np.where(frame["x"].isna(), "lacks", np.where(frame["n"] > 1, "high", "low"))
    if name == "Int64":  # no encoder takes pandas' NA
        model = make_pipeline(SimpleImputer(add_indicator=True), LogisticRegression(C=100)).fit(frame, target)
    else:
        encoded = ColumnTransformer([("x", OneHotEncoder(handle_unknown="ignore"), ["x"])], remainder="passthrough")
        model = make_pipeline(encoded, LogisticRegression(C=100)).fit(frame, target)
    function = make_function(backend="sklearn")
    ready = packed(function, model, frame)
    instances = [
        {name: None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.head(6).to_dict("records")
    ]
    expected = model.predict_proba(frame.head(6)).max(axis=1)
    with claimed(file_store, function.name, None, ready.manifest_of) as owned:
        write_version(file_store, ready.manifest, ready.files, owned, Silent())
    (function.folder / "model.yaml").write_text("backend: sklearn\n")
    write_bundle(function, file_store, pin(function, file_store))
    with in_process(function, Settings(function.folder, file_store.url, tmp_path)) as handler:
        for some in ([0, 1, 2, 3, 4, 5], [2], [0], [5, 2, 0], [2, 2]):
            body = {"instances": [instances[place] for place in some]}
            response = handler(http_event("POST", f"/models/{function.name}/infer", body), Context())
            assert response["statusCode"] == 200, response["body"]
            found = [one["probability"] for one in json.loads(response["body"])["predictions"]]
            assert found == pytest.approx(expected[some], abs=1e-9)


def test_a_batch_that_is_answered_otherwise_than_its_rows_alone_is_refused(
    make_function: Callable[..., Function], table: Table
) -> None:
    few = table.examples[:16]  # each of so few is also asked for alone
    with pytest.raises(PublishError, match=r"predict 16 of 16 examples differently"):
        packed(make_function(backend="sklearn"), Sociable().fit(few, few), few)


def test_pandas_categories_are_served_as_texts(
    make_function: Callable[..., Function], file_store: Store, tmp_path: Path
) -> None:
    frame = people().astype({"city": "category"})
    model = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
    model.fit(frame, frame["city"] == "paris")
    function = make_function(backend="sklearn")
    ready = packed(function, model, frame)
    instances = [{"age": 40, "visits": 3, "city": city, "member": True} for city in ("paris", "서울")]
    assert [one["label"] for one in served(function, ready, file_store, tmp_path, instances)] == [True, False]


class Nameless(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # the same
    """Remembers nothing of its columns; by_name: takes them by their names all the same."""

    def __init__(self, by_name: bool) -> None:
        self.by_name = by_name

    def fit(self, rows: Any, targets: Any) -> Nameless:
        self.targets_ = len(rows), len(targets)
        return self

    def predict(self, rows: Any) -> Any:
        return (rows["b"] if self.by_name else np.asarray(rows)[:, 1]).astype(float) * 2


@pytest.mark.parametrize(("by_name", "packages"), [(True, {"pandas"}), (False, set())])
def test_an_estimator_that_remembers_no_columns_gets_a_frame_only_where_it_needs_one(
    make_function: Callable[..., Function], by_name: bool, packages: set[str]
) -> None:
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1, 1, 0]})
    ready = packed(make_function(backend="sklearn"), Nameless(by_name).fit(frame, frame), frame)
    assert {"pandas"} & ready.manifest.runtime.keys() == packages
    assert bool(ready.manifest.frame) is by_name


def test_one_column_of_words_reaches_an_encoder_of_arrays_as_a_table(make_function: Callable[..., Function]) -> None:
    frame = pd.DataFrame({"city": ["seoul", "paris", "busan"] * 10})
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(frame.to_numpy(dtype=object), frame["city"])
    ready = packed(make_function(backend="sklearn"), model, frame)
    assert ready.manifest.model_info["labels"] == ["busan", "paris", "seoul"]


class Width(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # the same
    """Counts the bytes of a number, so that the type of the rows matters."""

    def fit(self, rows: Any, targets: Any) -> Width:
        self.n_features_in_ = rows.shape[1]
        self.targets_ = len(targets)
        return self

    def predict(self, rows: Any) -> Any:
        return np.full(len(rows), float(rows.dtype.itemsize))


def test_an_estimator_that_answers_otherwise_when_served_is_refused_and_a_row_is_shown(
    make_function: Callable[..., Function], table: Table
) -> None:
    rows = table.rows.astype(np.float16)
    with pytest.raises(
        PublishError, match=r"predict 600 of 600 examples differently .*fit the estimator on"
    ) as refused:
        packed(make_function(backend="sklearn"), Width().fit(rows, rows), rows)
    assert "row 0: 2, served 4; x0=" in str(refused.value)


class Sociable(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # the same
    """Is right about a row alone, and wrong about several that are packed, as those of a request are."""

    def fit(self, rows: Any, targets: Any) -> Sociable:
        self.n_features_in_ = rows.shape[1]
        self.targets_ = len(targets)
        return self

    def predict(self, rows: Any) -> Any:
        return np.full(len(rows), float(len(rows) > 1 and not rows.flags.owndata))


class Lonely(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # the same
    """Is wrong about a row that comes alone."""

    def fit(self, rows: Any, targets: Any) -> Lonely:
        self.n_features_in_ = rows.shape[1]
        self.targets_ = len(targets)
        return self

    def predict(self, rows: Any) -> Any:
        return np.full(len(rows), float(len(rows) > 1))


def test_rows_are_also_asked_for_alone(make_function: Callable[..., Function], table: Table) -> None:
    with pytest.raises(PublishError, match=r"predict 16 of 300 examples differently"):
        packed(make_function(backend="sklearn"), Lonely().fit(table.rows, table.rows), table.examples)


class Forgetful(Lonely):
    """Is wrong about a row that lacks a value and comes alone."""

    def predict(self, rows: Any) -> Any:
        return np.full(len(rows), float(len(rows) == 1 and np.isnan(np.asarray(rows, float)).any()))


def test_rows_that_lack_a_value_are_asked_for_alone(make_function: Callable[..., Function], table: Table) -> None:
    examples = table.examples.astype(float)
    examples[7, 0] = np.nan
    assert 7 not in rows_of(Trained(estimator=None, examples=examples, metrics={}, metric="")).spread(module.ALONE)
    with pytest.raises(PublishError, match=r"predict 1 of 300 examples differently"):
        packed(make_function(backend="sklearn"), Forgetful().fit(table.rows, table.rows), examples)


class Crowded(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # the same
    """Is wrong about rows that come together."""

    def predict(self, rows: Any) -> Any:
        return np.full(len(rows), float(len(rows) == 1))


def test_few_rows_are_asked_for_together_too(make_function: Callable[..., Function], table: Table) -> None:
    function = make_function(backend="sklearn")
    few = table.examples[:10]
    ready = packed(function, LinearRegression().fit(table.rows, np.ones(len(table.rows))), few)
    files = dumped(Crowded())
    crowded = Package(files, ready.manifest._replace(files=listed(files)))
    rows = rows_of(Trained(estimator=None, examples=few, metrics={}, metric=""))
    expected = Answers(None, np.ones((10, 1)))
    with pytest.raises(PublishError, match=r"predict 10 of 10 examples differently"):
        module.check_serves(function, crowded, rows, expected, Silent())


CHARACTERS = make_pipeline(CountVectorizer(lowercase=False, analyzer="char"), LogisticRegression())
PREPARES = """
class Anything:
    def preprocess(self, instances): ...
"""


@pytest.mark.parametrize(
    ("files", "preprocessing", "is_prepared"),
    [
        ({}, None, False),
        ({"app.py": "def infer(): ..."}, None, False),
        ({"app.py": "def broken("}, None, False),
        ({"app.py": PREPARES}, None, True),
        ({}, {"module": "features", "function": "clean"}, True),
    ],
)
def test_runs_of_space_are_left_to_the_author_only_where_their_own_code_sees_every_text(
    make_function: Callable[..., Function], files: dict[str, str], preprocessing: Any, is_prepared: bool
) -> None:
    texts = ["good movie", "bad one"] * 5
    model = CHARACTERS.fit(texts, [1, 0] * 5)
    function = make_function(files=files, preprocessing=preprocessing)
    assumed = (packed(function, model, texts).manifest.compiled or {})["assumes"]
    assert bool(assumed) is is_prepared
    spacious = [text.replace(" ", "  ") for text in texts]
    assert (packed(function, model, spacious).manifest.compiled or {})["assumes"] == []


def test_a_text_that_no_request_can_carry_is_refused(make_function: Callable[..., Function], reviews: Reviews) -> None:
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(reviews.texts, reviews.labels)
    with pytest.raises(PublishError, match=r"could not predict its own examples .*surrogates"):
        packed(make_function(backend="sklearn"), model, ["good", "\ud800"])


def test_categories_of_numbers_are_those_that_the_columns_say(
    make_function: Callable[..., Function], file_store: Store, tmp_path: Path
) -> None:
    rows = np.array([[1.0, 0.5], [2.0, 1.5], [1.0, 2.0]] * 10)
    columns = [Column("sex", "integer", categories=(1, 2)), Column("dose", "number", categories=(0.5, 1.5, 2))]
    model = LinearRegression().fit(rows, rows.sum(axis=1))
    function = make_function(backend="sklearn")
    ready = packed(function, model, rows, columns=columns)
    [found] = served(function, ready, file_store, tmp_path, [{"sex": 2, "dose": 2}])
    assert found == pytest.approx(4)


def test_code_of_their_own_is_left_to_the_author(make_function: Callable[..., Function], table: Table) -> None:
    rows = table.rows.astype(np.float32)
    model = Width().fit(rows, rows)
    packed(make_function(backend="sklearn", files={"app.py": ""}), model, rows)
    (make_function().folder / "app.py").unlink()
    named = {"module": "features", "function": "to_feeds"}
    packed(make_function(backend="sklearn", preprocessing=named), model, rows)


class Unmarked(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts, but says not what kind of estimator it is."""

    def predict(self, rows: Any) -> Any:
        return np.zeros(len(rows))


def test_what_needs_a_class_is_published_with_a_note(make_function: Callable[..., Function], table: Table) -> None:
    heard = Heard()
    trained = Trained(estimator=Unmarked(), examples=table.examples, metrics={}, metric="")
    package(make_function(backend="sklearn"), trained, heard)
    assert heard.steps[-1] == "note: write app.py before it can be served, because without a class there is no contract"


def test_a_pickle_is_asked_with_the_folder_s_modules_at_hand(
    make_function: Callable[..., Function], file_store: Store
) -> None:
    from modelet.publishing import publish

    train = """
import numpy as np
from features import double
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from modelet.publishing import Trained

def train():
    rows = np.array([[0.0], [1.0], [2.0]])
    model = make_pipeline(FunctionTransformer(double), LinearRegression()).fit(rows, [0, 1, 2])
    return Trained(estimator=model, examples=rows, metrics={}, metric="")
"""
    function = make_function(
        train, files={"features.py": "def double(rows):\n    return 2 * rows\n"}, backend="sklearn"
    )
    assert publish(function, file_store).version == "1"


def test_texts_are_served_from_a_pickle_too(make_function: Callable[..., Function], reviews: Reviews) -> None:
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(reviews.texts, reviews.labels)
    assert packed(make_function(backend="sklearn"), model, reviews.texts).manifest.features == ("text",)


def test_very_many_examples_are_asked_for_in_part(
    make_function: Callable[..., Function], table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelet.dev.publish import package as packing

    asked: list[int] = []
    monkeypatch.setattr(packing, "COMPARED", 100)
    monkeypatch.setattr(module, "_compare", lambda _function, rows, *_answers: asked.append(len(rows)))
    packed(make_function(backend="sklearn"), LinearRegression().fit(table.rows, table.rows[:, 0]), table.examples)
    assert asked == [100]


def test_a_pickle_that_was_given_is_asked_as_well(
    make_function: Callable[..., Function], file_store: Store, tmp_path: Path
) -> None:
    from modelet.publishing import publish

    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 1.0, 0.0]})
    joblib.dump(Lonely().fit(frame, frame), tmp_path / "model.joblib")
    frame.to_csv(tmp_path / "rows.csv", index=False)
    function = make_function(None, backend="sklearn")
    with pytest.raises(PublishError, match="predict 3 of 3 examples differently"):
        publish(function, file_store, from_file=tmp_path / "model.joblib", examples=tmp_path / "rows.csv")
    assert file_store.paths("") == []


class Halves(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Divides by two, which of whole numbers leaves nothing over; to what is float32 it adds one."""

    def fit(self, rows: Any, targets: Any) -> Halves:
        self.n_features_in_ = rows.shape[1]
        self.targets_ = len(targets)
        return self

    def predict(self, rows: Any) -> Any:
        halves = rows[:, 0] // 2 if rows.dtype.kind == "i" else rows[:, 0] / 2 + (rows.dtype == np.float32)
        return halves.astype(np.float64)


@pytest.mark.parametrize(("dtype", "answer"), [(np.int64, 1.0), (np.float64, 1.5), (np.float32, 2.5)])
def test_an_array_has_the_type_that_the_examples_had(
    dtype: Any, answer: float, make_function: Callable[..., Function], file_store: Store, tmp_path: Path
) -> None:
    examples = np.arange(60, dtype=dtype).reshape(-1, 2)
    function = make_function(backend="sklearn")
    ready = packed(function, Halves().fit(examples, examples), examples)
    names = ready.manifest.features
    assert served(function, ready, file_store, tmp_path, [dict(zip(names, (3, 4), strict=True))]) == [answer]


def test_of_an_array_of_float32_no_number_is_answered_that_float32_does_not_hold(
    make_function: Callable[..., Function], file_store: Store, tmp_path: Path
) -> None:
    examples = np.arange(60, dtype=np.float32).reshape(-1, 2) + np.float32(0.5)
    function = make_function(backend="sklearn")
    ready = packed(function, Halves().fit(examples, examples), examples)
    first, second = ready.manifest.features
    with pytest.raises(AssertionError, match=f"field {first}: Input is beyond the range of float32"):
        served(function, ready, file_store, tmp_path, [{first: 1e39, second: 1.0}])
