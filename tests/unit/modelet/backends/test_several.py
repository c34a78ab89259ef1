"""Versions with several models: each answers as it would alone, and one decision is made of their answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from modelet.backends.several import GenericModel, open_models
from modelet.bundle import Lock
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.progress import Silent
from modelet.dev.project.project import Function, Project
from modelet.dev.publish.draft import draft
from modelet.dev.publish.package import package
from modelet.errors import ArtifactError, CommandError, ContractError, ManifestError, PublishError
from modelet.publishing import Trained, pin, publish
from modelet.registry.listing import read_manifest
from modelet.settings import Settings
from modelet.store.manifest import Column, Manifest
from modelet.store.store import Store
from support.callers import in_process
from support.contexts import Context
from support.events import http_event

RANDOM = np.random.default_rng(3)
ROWS = RANDOM.normal(size=(400, 2)).astype(np.float32)
LOW = LinearRegression().fit(ROWS, ROWS @ [1.0, 2.0])
SURE = LogisticRegression().fit(ROWS, np.where(ROWS[:, 0] > 0, "yes", "no"))
DECIDING = """
from typing import Any
from modelet import ModelHandler
from modelet.backends.several import GenericModel
from modelet.typing import TypedDict

class Row(TypedDict):
    a: float
    b: float

class Decision(TypedDict):
    value: float
    name: str

class Deciding(GenericModel[Row, Decision]):
    def decide(self, instance: Row, answers: dict[str, Any]) -> Decision:
        return {"value": answers["low"] * 2, "name": answers["sure"]["label"] + str(instance["a"])}

handler = ModelHandler(Deciding)
"""


def trained(**changed: Any) -> Trained:
    given: dict[str, Any] = {
        "estimator": {"low": LOW, "sure": SURE},
        "examples": ROWS,
        "metrics": {"r2": 0.5},
        "metric": "r2",
        "feature_names": ["a", "b"],
    }
    return Trained(**given | changed)


def function(root: Path, backend: str = "onnx", app: str | None = None) -> Function:
    folder = root / "functions" / "several"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yaml").write_text(f"backend: {backend}\n")
    if app:
        (folder / "app.py").write_text(app)
    return Project(root).function("several")


def published(one: Function, given: Trained) -> tuple[Store, Lock]:
    (one.folder / "train.py").write_text(
        "import joblib\ndef train():\n    return joblib.load(__file__.replace('train.py', 'given.pkl'))\n"
    )
    joblib.dump(given, one.folder / "given.pkl")
    store = Store((one.folder.parents[1] / "store").as_uri())
    publish(one, store)
    return store, pin(one, store)


def answers(one: Function, store: Store, lock: Lock, body: Any) -> Any:
    write_bundle(one, store, lock)
    with in_process(one, Settings(one.folder, store.url, one.folder / "tmp")) as handler:
        return handler(body, Context())


@pytest.mark.parametrize("backend", ["onnx", "sklearn"])
def test_without_a_class_a_prediction_has_the_answer_of_each_model(tmp_path: Path, backend: str) -> None:
    one = function(tmp_path, backend)
    store, lock = published(one, trained())
    rows = [{"a": float(a), "b": float(b)} for a, b in ROWS[:20]]
    found = answers(one, store, lock, {"instances": rows})["predictions"]
    assert [each["low"] for each in found] == pytest.approx(LOW.predict(ROWS[:20]).tolist(), rel=1e-5, abs=1e-5)
    assert [each["sure"]["label"] for each in found] == SURE.predict(ROWS[:20]).tolist()
    shares = SURE.predict_proba(ROWS[:20])
    assert [each["sure"]["probabilities"]["yes"] for each in found] == pytest.approx(shares[:, 1].tolist(), abs=1e-5)


def test_a_class_decides_on_each_instance(tmp_path: Path) -> None:
    one = function(tmp_path, app=DECIDING)
    store, lock = published(one, trained())
    found = answers(one, store, lock, {"instances": [{"a": 1, "b": 2}, {"a": -1, "b": 0.5}]})["predictions"]
    assert [each["name"] for each in found] == ["yes1.0", "no-1.0"]
    assert [each["value"] for each in found] == pytest.approx([10.0, 0.0], abs=1e-4)


def test_probabilities_can_be_left_out(tmp_path: Path) -> None:
    one = function(tmp_path)
    (one.folder / "model.yaml").write_text("probabilities: false\n")
    one = Project(tmp_path).function("several")
    store, lock = published(one, trained())
    assert set(answers(one, store, lock, {"a": 1, "b": 2})["sure"]) == {"label", "probability"}


def test_a_value_that_a_model_does_not_take_is_named_once(tmp_path: Path) -> None:
    one = function(tmp_path, app=DECIDING.replace("b: float", "b: Any"))
    with draft(*_drafted(one)) as artifacts:
        model: GenericModel[Any, Any] = GenericModel()
        model.load(artifacts)
        with pytest.raises(ContractError) as refused:
            model.preprocess([{"a": 1.0, "b": 2.0}, {"a": 1.0, "b": "x"}])
    assert [(each.instance, each.field) for each in refused.value.violations] == [(1, "b")]


def _drafted(one: Function, **changed: Any) -> tuple[Manifest, dict[str, bytes]]:
    packed = package(one, trained(**changed), Silent())
    return packed.manifest, dict(packed.files)


def test_each_model_can_have_its_own_columns(tmp_path: Path) -> None:
    other = DecisionTreeRegressor(max_depth=2).fit(ROWS[:, :1], ROWS[:, 1])
    examples, names = {"low": ROWS, "tree": ROWS[:, :1]}, {"low": ["a", "b"], "tree": ["c"]}
    manifest, files = _drafted(
        function(tmp_path), estimator={"low": LOW, "tree": other}, examples=examples, feature_names=names
    )
    assert manifest.features == ("a", "b", "c")
    with draft(manifest, files) as artifacts:
        models = open_models(artifacts)
        assert models["tree"].predict([{"c": 0.5}]) == pytest.approx(other.predict([[0.5]]).tolist(), rel=1e-6)
        assert models["low"].manifest.features == ("a", "b")


def test_a_manifest_of_several_models_is_read_as_it_was_written(tmp_path: Path) -> None:
    manifest, _ = _drafted(function(tmp_path, "sklearn"))
    again = Manifest.parse(manifest.to_json())
    assert again.to_json() == manifest.to_json() == Manifest.trusted(manifest.to_json()).to_json()
    assert again.models is not None
    assert again.models["low"].file("low/model.joblib") == again.file("low/model.joblib")


@pytest.mark.parametrize(
    "models", [{}, [], {"low": 3}, {"low": {}}, {"../low": {}}, {"low": {"model_data": "gone.onnx"}}]
)
def test_a_manifest_with_damaged_models_is_refused(tmp_path: Path, models: Any) -> None:
    manifest, _ = _drafted(function(tmp_path))
    document = json.loads(manifest.to_json())
    for name, each in models.items() if isinstance(models, dict) else ():
        if each == {"model_data": "gone.onnx"}:
            models = {name: document["models"]["low"] | each}
    with pytest.raises(ManifestError, match=r"models|gone\.onnx"):
        Manifest.parse(json.dumps(document | {"models": models}).encode())


def test_a_class_of_one_model_does_not_open_several(tmp_path: Path) -> None:
    app = DECIDING.replace("several import GenericModel", "onnx import OnnxModel as GenericModel")
    one = function(tmp_path, app=app)
    store, lock = published(one, trained())
    with pytest.raises(CommandError, match=r"opens one model, but version 1 has low, sure: use .*GenericModel"):
        write_bundle(one, store, lock)


def test_the_contract_is_held_against_the_columns_of_all_models(tmp_path: Path) -> None:
    one = function(tmp_path, app=DECIDING.replace("b: float", "b: str"))
    store, lock = published(one, trained())
    with pytest.raises(CommandError, match="b"):
        write_bundle(one, store, lock)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"estimator": {"Low": LOW}}, "use a name of lower-case letters"),
        ({"examples": {"low": ROWS}}, "examples has no sure: give one for each model"),
        ({"info": {"task": "mine"}}, "which publish sets itself"),
        ({"files": {"low/model.onnx": b"x"}}, "choose another name"),
        ({"estimator": {"low": LOW, "bad": object()}}, "^bad: "),
    ],
)
def test_what_cannot_become_several_models_is_refused_by_name(
    tmp_path: Path, changed: dict[str, Any], reason: str
) -> None:
    with pytest.raises(PublishError, match=reason):
        package(function(tmp_path), trained(**changed), Silent())


def test_a_column_with_two_types_is_refused(tmp_path: Path) -> None:
    words = pd.DataFrame({"a": ["x", "y"] * 200})
    texts = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LinearRegression()).fit(words, ROWS[:, 0])
    with pytest.raises(PublishError, match="column a has numbers for one model and strings for another"):
        package(
            function(tmp_path),
            trained(
                estimator={"low": LOW, "words": texts},
                examples={"low": ROWS, "words": words},
                feature_names={"low": ["a", "b"], "words": None},
            ),
            Silent(),
        )


def test_a_column_takes_what_both_models_take(tmp_path: Path) -> None:
    columns = {
        "low": [Column("a", "number", minimum=-9, maximum=5, found=("maximum",)), Column("b", "number")],
        "sure": [Column("a", "number", minimum=-6), Column("b", "integer")],
    }
    wide = {"low": ROWS, "sure": np.round(ROWS)}
    manifest, _ = _drafted(function(tmp_path), examples=wide, columns=columns)
    first, second = manifest.columns
    assert (first.minimum, first.maximum, second.type) == (-6.0, 5.0, "integer")


def test_a_version_with_one_model_is_not_opened_as_several(tmp_path: Path) -> None:
    packed = package(function(tmp_path), trained(estimator=LOW), Silent())
    with draft(packed.manifest, packed.files) as artifacts, pytest.raises(ArtifactError, match="has one model"):
        open_models(artifacts)


def test_the_figures_of_the_version_are_the_authors(tmp_path: Path) -> None:
    one = function(tmp_path)
    store, lock = published(one, trained())
    manifest, _ = read_manifest(store, "several", lock.version)
    assert (manifest.metric, manifest.performance, manifest.model_info["task"]) == ("r2", {"r2": 0.5}, "several")


DEFAULT = """
from modelet import ModelHandler
from modelet.backends.several import GenericModel
from modelet.typing import TypedDict

class Row(TypedDict):
    a: float
    b: float

class Sure(TypedDict):
    label: str

class Answers(TypedDict):
    sure: Sure

class Plain(GenericModel[Row, Answers]):
    pass

handler = ModelHandler(Plain)
"""


def test_a_class_without_decide_answers_with_the_models_and_members_that_its_type_names(tmp_path: Path) -> None:
    one = function(tmp_path, app=DEFAULT)
    store, lock = published(one, trained())
    assert answers(one, store, lock, {"a": 1, "b": 2}) == {"sure": {"label": "yes"}}


@pytest.mark.parametrize(
    ("app", "reason"),
    [
        (
            DEFAULT.replace("sure: Sure", "sure: Sure; other: float"),
            "has other, but the version has the models low, sure",
        ),
        (DEFAULT.replace("sure: Sure", "sure: float"), "sure: the prediction's contract rejects"),
        (DEFAULT.replace("label: str", "label: int"), "sure: the prediction's contract rejects"),
    ],
)
def test_an_answer_that_no_model_gives_is_refused_when_bundled(tmp_path: Path, app: str, reason: str) -> None:
    one = function(tmp_path, app=app)
    store, lock = published(one, trained())
    with pytest.raises(CommandError, match=reason):
        write_bundle(one, store, lock)


def test_an_instance_that_decide_rejects_is_named_and_the_others_are_predicted(tmp_path: Path) -> None:
    rejecting = DECIDING.replace(
        '        return {"value"',
        '        if instance["a"] > 9:\n            raise RequestError("a is too large")\n        return {"value"',
    ).replace(
        "from modelet import ModelHandler", "from modelet import ModelHandler\nfrom modelet.errors import RequestError"
    )
    one = function(tmp_path, app=rejecting)
    store, lock = published(one, trained())
    write_bundle(one, store, lock)
    rows = [{"a": 10, "b": 0}, {"a": 1, "b": 2}]
    with in_process(one, Settings(one.folder, store.url, tmp_path / "tmp")) as handler:
        whole = handler(http_event("POST", "/models/several/infer", {"instances": rows}), Context())
        partial = handler(http_event("POST", "/models/several/infer?partial=true", {"instances": rows}), Context())
    assert whole["statusCode"] == 422
    assert json.loads(whole["body"])["detail"] == "instance 0: a is too large"
    first, second = json.loads(partial["body"])["predictions"]
    assert (first["status"], first["errors"][0]["rule"], second["name"]) == (422, "rejected", "yes1.0")


def test_a_function_that_makes_the_inputs_of_one_model_is_refused_for_several(tmp_path: Path) -> None:
    one = function(tmp_path, app=DECIDING)
    (one.folder / "prep.py").write_text("def prepare(rows): return rows\n")
    spec = one.folder / "model.yaml"
    spec.write_text(spec.read_text() + "preprocessing: {module: prep, function: prepare}\n")
    again = Project(tmp_path).function(one.name)
    store, lock = published(again, trained())
    with pytest.raises(
        CommandError, match=r"preprocessing: gives the inputs of one model, but version .* has low, sure"
    ):
        write_bundle(again, store, lock)
