"""Models of every kind, served without a class: the answer over HTTP, as tensors, in OpenAPI, and compiled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from openapi_spec_validator import validate
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest, RandomForestRegressor, VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.mixture import GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.project import Function, Project
from modelet.dev.publish.publish import publish
from modelet.errors import CommandError, ConversionError, ModeletError
from modelet.publishing import pin
from modelet.settings import Settings
from modelet.store.store import Store
from support.callers import in_process
from support.contexts import Context
from support.events import http_event

ROWS = np.random.default_rng(8).normal(size=(300, 4))
NAMES = ["x0", "x1", "x2", "x3"]
INSTANCES = [dict(zip(NAMES, row, strict=True)) for row in ROWS[:3].tolist()]
TWO = np.where(ROWS[:, 0] + ROWS[:, 1] > 0, "yes", "no")
THREE = np.digitize(ROWS[:, 0], [-0.5, 0.5])
SETS = (ROWS[:, :2] > 0).astype(int)
COMPILED, PICKLED = "onnx", "sklearn"


class Served:
    """A model that is published and served without a class."""

    def __init__(self, root: Path, estimator: Any, yaml: str, *, outputs: list[str] | None = None) -> None:
        folder = root / "functions/tiny"
        folder.mkdir(parents=True)
        (root / "cdk.json").write_text("{}")
        (root / "pyproject.toml").write_text("")
        (folder / "model.yaml").write_text(yaml)
        (folder / "requirements.txt").write_text("modelet[sklearn]\n")
        (folder / "train.py").write_text(TRAIN)
        joblib.dump((estimator, ROWS, NAMES, outputs), folder / "trained.joblib")
        self._root = root
        self.store = Store((root / "store").as_uri())
        publish(self.function, self.store)
        write_bundle(self.function, self.store, pin(self.function, self.store))

    @property
    def function(self) -> Function:
        return Project(self._root).function("tiny")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        settings = Settings(self.function.folder, self.store.url, self._root / "tmp")
        with in_process(self.function, settings) as handler:
            response = handler(http_event(method, path, body), Context())
        assert response["statusCode"] == 200, response["body"]
        return json.loads(response["body"])

    def infer(self) -> list[Any]:
        found: list[Any] = self.ask("POST", "/models/tiny/infer", {"instances": INSTANCES})["predictions"]
        return found

    def tensors(self) -> dict[str, Any]:
        """Each output's datatype, shape and data."""
        inputs = [
            {"name": name, "datatype": "FP64", "shape": [3], "data": [row[name] for row in INSTANCES]} for name in NAMES
        ]
        answer = self.ask("POST", "/v2/models/tiny/infer", {"inputs": inputs})
        described = self.ask("GET", "/v2/models/tiny")["outputs"]
        assert [each["name"] for each in described] == [each["name"] for each in answer["outputs"]]
        return {each["name"]: (each["datatype"], each["shape"], each["data"]) for each in answer["outputs"]}


TRAIN = """
from pathlib import Path
import joblib
from modelet.publishing import Trained

def train():
    estimator, rows, names, outputs = joblib.load(Path(__file__).with_name("trained.joblib"))
    return Trained(
        estimator=estimator, examples=rows, metrics={}, metric="", feature_names=names, outputs=outputs
    )
"""


def near(value: Any) -> Any:
    """Approximately a value that may be nested: a graph computes in single precision."""
    if isinstance(value, dict):
        return {key: near(each) for key, each in value.items()}
    if isinstance(value, list):
        return [near(each) for each in value]
    return pytest.approx(value, abs=1e-5, rel=1e-4) if isinstance(value, float) else value


@pytest.mark.parametrize("backend", [COMPILED, PICKLED])
def test_a_classifier_answers_with_the_probabilities_of_all_labels(backend: str, tmp_path: Path) -> None:
    estimator = LogisticRegression().fit(ROWS, THREE)
    served = Served(tmp_path, estimator, f"backend: {backend}")
    shares, labels = estimator.predict_proba(ROWS[:3]), estimator.predict(ROWS[:3]).tolist()
    expected = [
        {
            "label": label,
            "probability": row[label],
            "probabilities": {str(place): share for place, share in enumerate(row)},
        }
        for label, row in zip(labels, shares.tolist(), strict=True)
    ]
    assert served.infer() == near(expected)
    found = served.tensors()
    assert found["label"] == ("INT64", [3], labels)
    assert found["probability"][:2] == ("FP64", [3])
    assert found["probabilities"] == ("FP64", [3, 3], near(shares.ravel().tolist()))
    described = {each["name"]: each for each in served.ask("GET", "/v2/models/tiny")["outputs"]}
    assert described["probabilities"]["parameters"] == {"labels": '["0", "1", "2"]'}
    document = served.ask("GET", "/models/tiny/openapi.json")
    validate(document)
    assert '"probabilities"' in json.dumps(document)


def test_the_probabilities_can_be_turned_off(tmp_path: Path) -> None:
    served = Served(tmp_path, LogisticRegression().fit(ROWS, TWO), "probabilities: false")
    assert [list(one) for one in served.infer()] == [["label", "probability"]] * 3
    assert list(served.tensors()) == ["label", "probability"]


CLASS = """
from modelet import ModelHandler
from modelet.backends.onnx import OnnxModel
from typing_extensions import TypedDict

class Row(TypedDict):
    x0: float
    x1: float
    x2: float
    x3: float

class Answer(TypedDict):
    {members}

class Tiny(OnnxModel[Row, Answer]):
    pass

handler = ModelHandler(Tiny)
"""


def test_a_class_has_the_members_that_its_type_names(tmp_path: Path) -> None:
    served = Served(tmp_path, LogisticRegression().fit(ROWS, TWO), "backend: onnx")
    app = served.function.folder / "app.py"
    for members in ("probability: float", "label: str\n    probabilities: dict[str, float]"):
        app.write_text(CLASS.format(members=members))
        write_bundle(served.function, served.store, pin(served.function, served.store))
        names = [line.strip().partition(":")[0] for line in members.splitlines()]
        assert [list(one) for one in served.infer()] == [names] * 3
    (served.function.folder / "model.yaml").write_text("probabilities: false")
    with pytest.raises(CommandError, match=r"probabilities: is for functions without a class: remove it there"):
        write_bundle(served.function, served.store, pin(served.function, served.store))


RENAMED = """
    def postprocess(self, outputs, instances):
        return [
            {"label": each["label"], "confidence": each["probability"]}
            for each in super().postprocess(outputs, instances)
        ]
"""


def test_a_class_that_changes_the_default_answer_has_its_label_and_its_probability(tmp_path: Path) -> None:
    served = Served(tmp_path, LogisticRegression().fit(ROWS, TWO), "backend: onnx")
    app = served.function.folder / "app.py"
    source = CLASS.format(members="label: str\n    confidence: float").replace("    pass\n", RENAMED)
    app.write_text(source)
    write_bundle(served.function, served.store, pin(served.function, served.store))
    assert [list(one) for one in served.infer()] == [["label", "confidence"]] * 3
    same = source.replace("confidence: float", "probability: float").replace(
        RENAMED, RENAMED.replace('{"label": each["label"], "confidence": each["probability"]}', "each")
    )
    app.write_text(same)
    write_bundle(served.function, served.store, pin(served.function, served.store))
    assert [list(one) for one in served.infer()] == [["label", "probability"]] * 3


@pytest.mark.parametrize("backend", [COMPILED, PICKLED])
@pytest.mark.parametrize("target", [TWO, THREE], ids=["two", "three"])
def test_a_classifier_without_probabilities_answers_with_a_score(backend: str, target: Any, tmp_path: Path) -> None:
    estimator = make_pipeline(StandardScaler(), LinearSVC()).fit(ROWS, target)
    served = Served(tmp_path, estimator, f"backend: {backend}")
    scores, labels = estimator.decision_function(ROWS[:3]).tolist(), estimator.predict(ROWS[:3]).tolist()
    own = [row[label] if isinstance(row, list) else row for row, label in zip(scores, labels, strict=True)]
    expected = [{"label": label, "score": score} for label, score in zip(labels, own, strict=True)]
    assert served.infer() == near(expected)
    assert served.tensors()["score"] == ("FP64", [3], near(own))


def test_a_vote_answers_with_its_label(tmp_path: Path) -> None:
    parts = [("a", LogisticRegression()), ("b", GaussianNB()), ("c", DecisionTreeClassifier(random_state=0))]
    estimator = VotingClassifier(parts).fit(ROWS, TWO)
    served = Served(tmp_path, estimator, "backend: sklearn")
    assert served.infer() == [{"label": label} for label in estimator.predict(ROWS[:3])]


@pytest.mark.parametrize(
    "estimator", [OneVsRestClassifier(LogisticRegression()), MultiOutputClassifier(LogisticRegression())], ids=repr
)
def test_several_labels_are_a_mapping_by_output(estimator: Any, tmp_path: Path) -> None:
    estimator.fit(ROWS, SETS)
    served = Served(tmp_path, estimator, "backend: sklearn", outputs=["big", "high"])
    labels = estimator.predict(ROWS[:3]).tolist()
    found = served.infer()
    assert [[one["big"]["label"], one["high"]["label"]] for one in found] == labels
    for one in found:
        for part in one.values():
            assert part["probability"] == part["probabilities"][str(part["label"])]
            assert sum(part["probabilities"].values()) == pytest.approx(1)
    tensors = served.tensors()
    assert tensors["big.label"] == ("INT64", [3], [row[0] for row in labels])
    assert tensors["high.probabilities"][:2] == ("FP64", [3, 2])


@pytest.mark.parametrize("backend", [COMPILED, PICKLED])
def test_several_numbers_have_names(backend: str, tmp_path: Path) -> None:
    estimator = RandomForestRegressor(5, random_state=0).fit(ROWS, ROWS[:, :2] * 3)
    served = Served(tmp_path, estimator, f"backend: {backend}", outputs=["price", "area"])
    expected = [dict(zip(["price", "area"], row, strict=True)) for row in estimator.predict(ROWS[:3]).tolist()]
    assert served.infer() == near(expected)
    assert list(served.tensors()) == ["price", "area"]


@pytest.mark.parametrize("backend", [COMPILED, PICKLED])
def test_a_clusterer_answers_with_the_cluster_and_its_distances(backend: str, tmp_path: Path) -> None:
    estimator = KMeans(3, n_init=1, random_state=0).fit(ROWS)
    served = Served(tmp_path, estimator, f"backend: {backend}")
    pairs = zip(estimator.predict(ROWS[:3]).tolist(), estimator.transform(ROWS[:3]).tolist(), strict=True)
    assert served.infer() == near([{"cluster": cluster, "distances": distances} for cluster, distances in pairs])
    assert served.tensors()["distances"][:2] == ("FP64", [3, 3])


def test_a_mixture_answers_with_the_probabilities_of_the_clusters(tmp_path: Path) -> None:
    estimator = GaussianMixture(2, random_state=0).fit(ROWS)
    found = Served(tmp_path, estimator, "backend: sklearn").infer()
    shares = estimator.predict_proba(ROWS[:3]).tolist()
    assert [one["probabilities"] for one in found] == near([{"0": row[0], "1": row[1]} for row in shares])
    assert [one["cluster"] for one in found] == estimator.predict(ROWS[:3]).tolist()


@pytest.mark.parametrize("backend", [COMPILED, PICKLED])
@pytest.mark.parametrize("estimator", [IsolationForest(n_estimators=9, random_state=0), OneClassSVM(nu=0.1)], ids=repr)
def test_an_outlier_detector_answers_with_a_label_and_a_score(backend: str, estimator: Any, tmp_path: Path) -> None:
    estimator.fit(ROWS)
    served = Served(tmp_path, estimator, f"backend: {backend}")
    pairs = zip(estimator.predict(ROWS[:3]).tolist(), estimator.decision_function(ROWS[:3]).tolist(), strict=True)
    assert served.infer() == near([{"label": label, "score": score} for label, score in pairs])


@pytest.mark.parametrize("backend", [COMPILED, PICKLED])
def test_a_transformer_answers_with_a_vector(backend: str, tmp_path: Path) -> None:
    estimator = make_pipeline(StandardScaler(), PCA(2)).fit(ROWS)
    served = Served(tmp_path, estimator, f"backend: {backend}")
    assert served.infer() == near(estimator.transform(ROWS[:3]).tolist())
    assert served.tensors()["predictions"][:2] == ("FP64", [3, 2])


def test_hundreds_of_labels_are_served(tmp_path: Path) -> None:
    labels = np.array([f"product {place:04}" for place in range(300)])
    estimator = GaussianNB().fit(np.r_[ROWS, ROWS], np.r_[labels, labels])
    [first, *_] = Served(tmp_path, estimator, "backend: sklearn").infer()
    assert len(first["probabilities"]) == 300
    assert first["probability"] == max(first["probabilities"].values())


def test_outputs_are_only_named_where_there_are_several(tmp_path: Path) -> None:
    with pytest.raises(ModeletError, match="outputs has 2 names, but the model has 1 outputs"):
        Served(tmp_path, Ridge().fit(ROWS, ROWS[:, 0]), "backend: sklearn", outputs=["a", "b"])


def test_what_has_no_graph_says_which_backend_serves_it(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"set backend: sklearn in model\.yaml"):
        Served(tmp_path, OneVsRestClassifier(LogisticRegression()).fit(ROWS, SETS), "backend: onnx")
