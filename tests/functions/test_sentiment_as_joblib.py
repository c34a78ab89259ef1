"""The sentiment task served by scikit-learn itself, from two files: model.joblib and vectorizer.joblib."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.project import Function, Project
from modelet.errors import ArtifactError
from modelet.handler import ModelHandler
from modelet.publishing import pin, publish
from modelet.registry.listing import read_manifest
from modelet.settings import Settings
from modelet.store.store import Store
from support.callers import in_process
from support.contexts import Context
from support.events import http_event
from support.repository import ROOT

APP = '''
"""Sentiment from a vectorizer and a classifier, each in a file of its own."""

from app_of_the_sample import Review, Sentiment
from cleaning import clean

from modelet import Artifacts, ModelHandler
from modelet.backends.sklearn import Outputs, SklearnModel


class SentimentModel(SklearnModel[Review, Sentiment]):
    def load(self, artifacts: Artifacts) -> None:
        super().load(artifacts)
        self.vectorizer = self.load_joblib(artifacts, "vectorizer.joblib")

    def preprocess(self, instances: list[Review]):
        return self.vectorizer.transform([clean(review["text"]) for review in instances])

    def postprocess(self, outputs: Outputs, instances: list[Review]) -> list[Sentiment]:
        probabilities = outputs["probabilities"].max(axis=1).tolist()
        return [
            {"label": ("negative", "positive")[label], "probability": probability}
            for label, probability in zip(outputs["label"], probabilities)
        ]


handler = ModelHandler(SentimentModel)
'''
TRAIN = '''
"""The sample's own training, its two steps kept apart."""

from train_of_the_sample import new_pipeline, read_corpus

from modelet.publishing import Trained


def train() -> Trained:
    texts, targets, _ = read_corpus()
    vectorizer, classifier = (step for _, step in new_pipeline().fit(texts, targets).steps)
    return Trained(
        estimator={"model": classifier, "vectorizer": vectorizer},
        examples=vectorizer.transform(texts[:20]).toarray(),
        metrics={"accuracy": 0.83},
        metric="accuracy",
    )
'''
TEXTS = ["정말 맛있고 친절해서 좋았어요!", "Broke after two days, what a waste.", "별로예요", "LOVED it 😍", " "]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("two-files")
    folder, sample = root / "functions" / "sentiment_as_joblib", ROOT / "functions" / "sentiment"
    folder.mkdir(parents=True)
    for name in ("cleaning.py", "reviews.csv"):
        shutil.copy(sample / name, folder)
    for name in ("app", "train"):
        shutil.copy(sample / f"{name}.py", folder / f"{name}_of_the_sample.py")
    (folder / "model.yaml").write_text("backend: sklearn\n")
    (folder / "app.py").write_text(APP)
    (folder / "train.py").write_text(TRAIN)
    project = Project(root)
    function, store = project.function("sentiment-as-joblib"), Store(project.store_url(None))
    publish(function, store)
    write_bundle(function, store, pin(function, store))
    return project


@pytest.fixture(scope="module")
def function(project: Project) -> Function:
    return project.function("sentiment-as-joblib")


def settings(function: Function, project: Project, tmp: Path) -> Settings:
    return Settings(function.folder, project.store_url(None), tmp)


@pytest.fixture(scope="module")
def handler(function: Function, project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelHandler]:
    with in_process(function, settings(function, project, tmp_path_factory.mktemp("tmp"))) as loaded:
        yield loaded


def predictions(handler: ModelHandler, name: str) -> list[dict[str, Any]]:
    event = http_event("POST", f"/models/{name}/infer", {"instances": [{"text": text} for text in TEXTS]})
    response = handler(event, Context())
    assert response["statusCode"] == 200, response["body"]
    found: list[dict[str, Any]] = json.loads(response["body"])["predictions"]
    return found


def test_the_version_has_both_files_and_names_the_main_one(function: Function, project: Project) -> None:
    manifest, _ = read_manifest(Store(project.store_url(None)), function.name, "1")
    assert [file.path for file in manifest.files] == ["model.joblib", "vectorizer.joblib"]
    assert manifest.model_data == "model.joblib"
    assert manifest.class_name == "LogisticRegression"


def test_two_joblib_files_answer_as_the_one_graph_does(
    handler: ModelHandler, published: Project, tmp_path: Path
) -> None:
    ours = predictions(handler, "sentiment-as-joblib")
    sample = published.function("sentiment")
    with in_process(sample, settings(sample, published, tmp_path)) as graph:
        expected = predictions(graph, "sentiment")
    assert [one["label"] for one in ours] == [one["label"] for one in expected]
    assert [one["probability"] for one in ours] == pytest.approx([one["probability"] for one in expected], abs=1e-5)


@pytest.mark.parametrize("name", ["model.joblib", "vectorizer.joblib"])
def test_a_flipped_byte_in_either_file_fails_the_init_and_names_it(
    name: str, function: Function, project: Project, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(project.root / ".modelet" / "store", store)
    file = store / function.name / "1" / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with (
        pytest.raises(ArtifactError, match=name),
        in_process(function, Settings(function.folder, store.as_uri(), tmp_path)),
    ):
        pass
