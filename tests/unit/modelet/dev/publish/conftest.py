"""Functions, stores and small data for the tests of publish."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelet.dev.project.project import Function
from modelet.dev.project.spec import ModelSpec
from modelet.dev.publish.draft import UNWRITTEN, Package
from modelet.dev.publish.source.imports import _installed
from modelet.digest import digest
from modelet.store.manifest import ArtifactFile, Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

TRAIN = """
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from modelet.publishing import Trained

def train() -> Trained:
    rows, kinds = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(rows[::2], kinds[::2])
    return Trained(
        estimator=model, examples=rows[1::2], metrics={"accuracy": 0.96}, metric="accuracy",
        feature_names=["sepal_length", "sepal_width", "petal_length", "petal_width"],
        files={"labels.json": ["setosa", "versicolor", "virginica"]},
    )
"""


@pytest.fixture(scope="session", autouse=True)
def installed_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make the tests a package that is installed, so that a pickle may need a class of theirs."""
    place = tmp_path_factory.mktemp("installed")
    described = place / "modelet_tests-0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: modelet-tests\nVersion: 0\n")
    (described / "top_level.txt").write_text("tests\n")
    sys.path.append(str(place))
    _installed.cache_clear()
    yield
    sys.path.remove(str(place))
    _installed.cache_clear()


GOOD = ["좋아요", "최고예요", "만족합니다", "훌륭한", "good", "great", "love", "excellent", "happy"]
BAD = ["별로예요", "실망", "나쁜", "느린", "bad", "awful", "hate", "broken", "sad"]
PLAIN = ["이", "제품", "정말", "the", "it", "was", "배송이", "product", "really", "가격", "i", "a", "...", "!!", "😀"]


@dataclass
class Reviews:
    """Short reviews in Korean and English."""

    texts: list[str]
    labels: list[str]


def _reviews(count: int, seed: int) -> Reviews:
    chance = random.Random(seed)
    texts, labels = [], []
    for _ in range(count):
        good = chance.random() < 0.5
        words = chance.choices(GOOD if good else BAD, k=2) + chance.choices(PLAIN, k=chance.randrange(2, 7))
        texts.append(" ".join(words))
        labels.append("positive" if good else "negative")
    return Reviews(texts, labels)


@pytest.fixture(scope="session")
def reviews() -> Reviews:
    return _reviews(300, 0)


@pytest.fixture(scope="session")
def held_out() -> Reviews:
    return _reviews(200, 1)


@dataclass
class Table:
    """Rows of six numbers, the first half for training, and two labels."""

    rows: NDArray[np.float64]
    labels: NDArray[Any]

    @property
    def train(self) -> tuple[NDArray[np.float64], NDArray[Any]]:
        return self.rows[::2], self.labels[::2]

    @property
    def examples(self) -> NDArray[np.float64]:
        return self.rows[1::2]


@pytest.fixture(scope="session")
def table() -> Table:
    from sklearn.datasets import make_classification

    rows, labels = make_classification(600, 6, random_state=3)
    return Table(rows, np.array(["no", "yes"])[labels])


@pytest.fixture
def make_function(tmp_path: Path) -> Callable[..., Function]:
    """Writes a function's folder; further files by name."""

    def make(
        train: str | None = TRAIN, name: str = "iris", files: dict[str, str] | None = None, **spec: Any
    ) -> Function:
        folder = tmp_path / "project" / "functions" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in ({"train.py": train} if train is not None else {}).items() | (files or {}).items():
            (folder / file).write_text(text)
        return Function(folder, ModelSpec(**spec))

    return make


@pytest.fixture
def function(make_function: Callable[..., Function]) -> Function:
    return make_function()


@pytest.fixture
def packed() -> Package:
    """A package of two small files."""
    files = {"labels.json": b"[]\n", "model.onnx": b"graph"}
    manifest = Manifest(
        name="tiny",
        model_lib="scikit-learn",
        model_lib_version="1.9.1",
        model_data="model.onnx",
        features=("x",),
        class_name="Ridge",
        metric="",
        performance={},
        feature_importance={},
        model_info={"task": "regression"},
        files=tuple(ArtifactFile(path, len(data), digest(data)) for path, data in files.items()),
        runtime={"python": "3.11"},
        **UNWRITTEN,
    )
    return Package(files, manifest)
