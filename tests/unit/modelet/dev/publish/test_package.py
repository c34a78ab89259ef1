"""Packages: every file and the manifest, before anything is written."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge

from modelet.backends.onnx import ENGINE
from modelet.dev.progress import Lines, Silent
from modelet.dev.publish.onnx.graph import Graph
from modelet.dev.publish.package import package, package_graph
from modelet.dev.publish.parity.predictions import Answers
from modelet.dev.publish.source.answer import OTHER
from modelet.dev.publish.source.file import GivenGraph
from modelet.dev.publish.source.rows import Rows
from modelet.digest import digest
from modelet.errors import ConversionError, ParityError, PublishError
from modelet.publishing import Trained
from modelet.store.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.dev.project.project import Function
    from unit.modelet.dev.publish.conftest import Reviews, Table


def trained(table: Table, **said: Any) -> Trained:
    known: dict[str, Any] = {
        "estimator": LogisticRegression().fit(*table.train),
        "examples": table.examples,
        "metrics": {"accuracy": 0.9},
        "metric": "accuracy",
    }
    return Trained(**{**known, **said})


def test_a_compiled_package_says_how_it_was_compiled_and_how_equal_it_is(function: Function, table: Table) -> None:
    ready = package(function, trained(table, feature_names=list("abcdef"), info={"source": "us"}), Silent())
    manifest = Manifest.parse(ready.manifest_of("3", "2026-11-20T00:00:00Z"))
    assert (manifest.name, manifest.version, manifest.created_at) == ("iris", "3", "2026-11-20T00:00:00Z")
    assert (manifest.model_lib, manifest.model_data, manifest.class_name) == (
        "scikit-learn",
        "model.onnx",
        "LogisticRegression",
    )
    assert manifest.features == tuple("abcdef")
    assert manifest.performance == {"accuracy": 0.9}
    assert set(manifest.feature_importance) == set("abcdef")
    assert manifest.model_info["source"] == "us"
    assert manifest.model_info["labels"] == ["no", "yes"]
    assert manifest.compiled is not None
    assert manifest.compiled["backend"] == "onnx"
    assert manifest.compiled["parity"]["example_rows"] == 300
    assert manifest.compiled["optimized_by"] == ENGINE
    assert {"python", "scikit-learn", "numpy", "skl2onnx", "onnx", "onnxruntime"} <= set(manifest.runtime)
    assert manifest.file("model.onnx").sha256 == digest(ready.files["model.onnx"])


def test_a_package_s_columns_are_bounded_as_far_as_its_graph_was_proven_and_people_are_told_of_near_bounds(
    function: Function, table: Table
) -> None:
    known: dict[str, Any] = {"examples": table.rows, "metrics": {"r2": 0.9}, "metric": "r2"}
    said = StringIO()
    poisson = PoissonRegressor(alpha=0).fit(table.rows, np.exp(table.rows[:, 0]))
    near = package(function, trained(table, estimator=poisson, **known), Lines(said)).manifest
    assert all(column.found == ("minimum", "maximum") and (column.maximum or 0) < 1e3 for column in near.columns)
    assert said.getvalue().count(" times the largest example") == 1
    linear = LinearRegression().fit(table.rows, table.rows @ 2.0 ** np.arange(6))
    far = package(function, trained(table, estimator=linear, **known), Lines(said)).manifest
    assert all(column.found == ("minimum", "maximum") and (column.maximum or 0) > 1e30 for column in far.columns)
    assert said.getvalue().count("times the largest example") == 1


def test_a_pickled_package_says_what_it_was_pickled_with(make_function: Callable[..., Function], table: Table) -> None:
    ready = package(make_function(backend="sklearn"), trained(table), Silent())
    assert list(ready.files) == ["model.joblib"]
    assert (ready.manifest.model_data, ready.manifest.compiled) == ("model.joblib", None)
    assert {"python", "scikit-learn", "numpy", "joblib"} == set(ready.manifest.runtime)


def test_several_objects_are_several_files_of_the_sklearn_backend_only(
    make_function: Callable[..., Function], reviews: Reviews
) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer()
    model = LogisticRegression().fit(vectorizer.fit_transform(reviews.texts), reviews.labels)
    both = Trained(estimator={"model": model, "vectorizer": vectorizer}, examples=reviews.texts, metrics={}, metric="")
    with pytest.raises(PublishError, match=r"several objects need a class that opens them: write app.py"):
        package(make_function(backend="sklearn"), both, Silent())
    ready = package(make_function(backend="sklearn", files={"app.py": "handler = 1"}), both, Silent())
    assert sorted(ready.files) == ["model.joblib", "vectorizer.joblib"]
    assert ready.manifest.class_name == "LogisticRegression"
    assert ready.manifest.model_info["labels"] == ["negative", "positive"]
    with pytest.raises(ConversionError, match="several objects cannot become one graph: set backend: sklearn"):
        package(make_function(), both, Silent())


def test_a_large_forest_is_packed_as_arrays_and_what_is_packed_was_compared(function: Function, table: Table) -> None:
    forest = RandomForestRegressor(60, random_state=0).fit(table.rows, table.rows.sum(axis=1))
    ready = package(function, trained(table, estimator=forest), Silent())
    graph = onnx.load_from_string(ready.files["model.onnx"])
    assert [node.op_type for node in graph.graph.node] == ["TreeEnsemble"]
    assert ready.manifest.compiled is not None
    assert ready.manifest.compiled["parity"]["greatest_difference"] < 1e-6


def test_what_optimising_made_otherwise_is_packed_as_it_was_converted(
    function: Function, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = package(function, trained(table, estimator=LogisticRegression(C=1e-3).fit(*table.train)), Silent())
    monkeypatch.setattr("modelet.dev.publish.compiled.optimized", lambda _: other.files["model.onnx"])
    ready = package(function, trained(table), Silent())
    assert ready.files["model.onnx"] != other.files["model.onnx"]
    assert ready.manifest.compiled is not None
    assert ready.manifest.compiled["parity"]["greatest_difference"] < 1e-5
    assert "optimized_by" not in ready.manifest.compiled


def test_labels_keep_the_type_that_the_estimator_gave_them(function: Function, table: Table) -> None:
    model = LogisticRegression().fit(table.rows, table.labels == "yes")
    ready = package(function, trained(table, estimator=model), Silent())
    assert [type(label) for label in ready.manifest.model_info["labels"]] == [bool, bool]


def test_further_files_are_bytes_or_json(function: Function, table: Table) -> None:
    ready = package(function, trained(table, files={"a.bin": b"\x00", "id2label.json": {"0": "긍정"}}), Silent())
    assert ready.files["a.bin"] == b"\x00"
    assert json.loads(ready.files["id2label.json"]) == {"0": "긍정"}
    assert "긍정".encode() in ready.files["id2label.json"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"files": {"model.onnx": b""}}, "files has 'model.onnx': choose another name"),
        ({"files": {"model.json": b""}}, "files has 'model.json'"),
        ({"files": {"../x": b""}}, "files has '../x'"),
        ({"files": {"x.json": object()}}, "x.json is neither bytes nor valid JSON"),
        ({"info": {"labels": []}}, "info has labels, which publish sets itself"),
        ({"info": {"targets": 2}}, "info has targets, which publish sets itself"),
        ({"estimator": {"model": 1, "vectorizer": 1}}, "several objects cannot become one graph"),
        ({"estimator": {"vectorizer": 1}}, "vectorizer: int has neither predict nor transform"),
        ({"estimator": Ridge()}, "Ridge cannot predict its own examples"),
    ],
)
def test_what_makes_no_version_is_refused(function: Function, table: Table, said: dict[str, Any], message: str) -> None:
    with pytest.raises(PublishError, match=message):
        package(function, trained(table, **said), Silent())


def test_a_refusal_names_the_model_and_keeps_its_kind(function: Function, table: Table) -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.dummy import DummyClassifier

    with pytest.raises(ConversionError, match=r"^iris: DummyClassifier cannot"):
        package(function, trained(table, estimator=DummyClassifier().fit(*table.train)), Silent())
    with pytest.raises(ConversionError, match=r"^iris: LinearDiscriminantAnalysis gives other probabilities"):
        package(function, trained(table, estimator=LinearDiscriminantAnalysis().fit(*table.train)), Silent())
    isotonic = CalibratedClassifierCV(LogisticRegression(), method="isotonic").fit(*table.train)
    with pytest.raises(ParityError, match=r"^iris: the graph and the estimator differ"):
        package(function, trained(table, estimator=isotonic), Silent())


def test_a_given_graph_is_packed_as_it_is_and_only_for_the_onnx_backend(
    make_function: Callable[..., Function], table: Table
) -> None:
    data = package(make_function(), trained(table), Silent()).files["model.onnx"]
    rows, answers = Rows(table.examples, "matrix", ()), Answers(None, np.zeros((300, 0)))
    given = GivenGraph(Graph(data), ("pytorch", "2.13"), rows, ("input",), OTHER, answers, {"example_rows": 3})
    ready = package_graph(make_function(), given, Silent())
    assert ready.files == {"model.onnx": data}
    manifest = Manifest.parse(ready.manifest_of("1", "2026-11-20T00:00:00Z"))
    assert (manifest.model_lib, manifest.model_lib_version, manifest.features) == ("pytorch", "2.13", ("input",))
    assert manifest.compiled is not None
    assert manifest.compiled["parity"] == {"example_rows": 3}
    assert "optimized_by" not in manifest.compiled
    with pytest.raises(PublishError, match=r"model.yaml has backend: sklearn, but the file is an ONNX graph"):
        package_graph(make_function(backend="sklearn"), given, Silent())
