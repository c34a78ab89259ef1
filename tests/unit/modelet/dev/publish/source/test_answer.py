"""What estimators of every kind return, and the shape of the prediction that is made of it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.cluster import DBSCAN, AffinityPropagation, Birch, BisectingKMeans, KMeans, MeanShift, MiniBatchKMeans
from sklearn.covariance import EllipticEnvelope
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest, RandomForestClassifier, RandomForestRegressor, VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier, LocalOutlierFactor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

from modelet.backends.answers import asked
from modelet.dev.publish.source.answer import OTHER, Shape, outputs_of, shape_of, stated
from modelet.errors import PublishError

ROWS = np.random.default_rng(5).normal(size=(120, 4))
TWO = np.where(ROWS[:, 0] > 0, "yes", "no")
THREE = np.digitize(ROWS[:, 0], [-0.5, 0.5])
SETS = (ROWS[:, :3] > 0).astype(int)
NUMBERS = ROWS[:, :2] * 3
HARD = VotingClassifier([("a", LogisticRegression()), ("b", DecisionTreeClassifier())])
BOTH = np.c_[TWO, np.where(ROWS[:, 1] > 0, "up", "down")]
OF_SETS = [{"name": f"y{place}", "labels": [0, 1]} for place in range(3)]
OF_BOTH = [{"name": "y0", "labels": ["no", "yes"]}, {"name": "y1", "labels": ["down", "up"]}]

SHARED = {"outputs": ["label", "probabilities"]}
SCORED = {"outputs": ["label", "scores"]}
CASES: list[tuple[Any, Any, Shape]] = [
    (LogisticRegression(), TWO, Shape("classification", ["no", "yes"], SHARED)),
    (GridSearchCV(LogisticRegression(), {"C": [1, 2]}), THREE, Shape("classification", [0, 1, 2], SHARED)),
    (LogisticRegression(), ROWS[:, 0] > 0, Shape("classification", [False, True], SHARED)),
    (make_pipeline(StandardScaler(), LinearSVC()), TWO, Shape("classification", ["no", "yes"], SCORED)),
    (SGDClassifier(random_state=0), THREE, Shape("classification", [0, 1, 2], SCORED)),
    (RidgeClassifier(), THREE, Shape("classification", [0, 1, 2], SCORED)),
    (SVC(), THREE, Shape("classification", [0, 1, 2], SCORED)),
    (HARD, TWO, Shape("classification", ["no", "yes"], {"outputs": ["label"]})),
    (OneVsRestClassifier(LogisticRegression()), SETS, Shape("classification", [], {**SHARED, "targets": OF_SETS})),
    (OneVsRestClassifier(LinearSVC()), SETS, Shape("classification", [], {**SCORED, "targets": OF_SETS})),
    (ClassifierChain(LogisticRegression()), SETS, Shape("classification", [], {**SHARED, "targets": OF_SETS})),
    (MLPClassifier(max_iter=5), SETS, Shape("classification", [], {**SHARED, "targets": OF_SETS})),
    (KNeighborsClassifier(), SETS, Shape("classification", [], {**SHARED, "targets": OF_SETS})),
    (RandomForestClassifier(3), SETS, Shape("classification", [], {**SHARED, "targets": OF_SETS})),
    (
        MultiOutputClassifier(LogisticRegression()),
        BOTH,
        Shape("classification", [], {**SHARED, "targets": OF_BOTH}),
    ),
    (
        MultiOutputClassifier(LinearSVC()),
        BOTH,
        Shape("classification", [], {"outputs": ["label"], "targets": OF_BOTH}),
    ),
    (Ridge(), ROWS[:, 0], Shape("regression", [], {"outputs": ["variable"]})),
    (Ridge(), ROWS[:, :1], Shape("regression", [], {"outputs": ["variable"]})),
    (
        RandomForestRegressor(3),
        NUMBERS,
        Shape("regression", [], {"outputs": ["variable"], "targets": [{"name": "y0"}, {"name": "y1"}]}),
    ),
    (KMeans(3, n_init=1), None, Shape("clustering", [], {"outputs": ["cluster", "distances"], "width": 3})),
    (MiniBatchKMeans(3, n_init=1), None, Shape("clustering", [], {"outputs": ["cluster", "distances"], "width": 3})),
    (BisectingKMeans(4), None, Shape("clustering", [], {"outputs": ["cluster", "distances"], "width": 4})),
    (Birch(n_clusters=3), None, Shape("clustering", [], {"outputs": ["cluster"]})),
    (MeanShift(), None, Shape("clustering", [], {"outputs": ["cluster"]})),
    (AffinityPropagation(), None, Shape("clustering", [], {"outputs": ["cluster"]})),
    (GaussianMixture(3), None, Shape("clustering", [0, 1, 2], {"outputs": ["cluster", "probabilities"]})),
    (IsolationForest(n_estimators=5), None, Shape("outlier detection", [-1, 1], SCORED)),
    (OneClassSVM(), None, Shape("outlier detection", [-1, 1], SCORED)),
    (EllipticEnvelope(), None, Shape("outlier detection", [-1, 1], SCORED)),
    (LocalOutlierFactor(novelty=True), None, Shape("outlier detection", [-1, 1], SCORED)),
    (make_pipeline(StandardScaler(), PCA(2)), None, Shape("transformation", [], {"outputs": ["vector"], "width": 2})),
]


@pytest.mark.parametrize(("estimator", "target", "shape"), CASES, ids=lambda each: type(each).__name__)
@pytest.mark.filterwarnings("ignore")
def test_each_kind_of_estimator_has_its_answer(estimator: Any, target: Any, shape: Shape) -> None:
    fitted = estimator.fit(ROWS, target)
    outputs = outputs_of(fitted, ROWS[:20])
    assert shape_of(fitted, outputs) == shape
    assert shape.answer is not None
    served = asked(fitted, ROWS[:20], shape.answer)
    assert list(served) == list(outputs)
    assert all(np.array_equal(served[name], outputs[name]) for name in served)


def test_scores_of_pairs_of_labels_are_not_those_of_labels() -> None:
    four = SVC(decision_function_shape="ovo").fit(ROWS, np.digitize(ROWS[:, 0], [-0.7, 0, 0.7]))
    assert list(outputs_of(four, ROWS)) == ["label"]


def test_a_sparse_vector_is_whole() -> None:
    words = OneHotEncoder().fit([["a"], ["b"], ["c"]])
    outputs = outputs_of(words, [["b"]])
    assert outputs["vector"].tolist() == [[0, 1, 0]]
    assert shape_of(words, outputs).answer == {"outputs": ["vector"], "width": 3}


def test_outputs_have_the_names_that_the_author_gives() -> None:
    ridge = Ridge().fit(ROWS, NUMBERS)
    outputs = outputs_of(ridge, ROWS)
    assert shape_of(ridge, outputs, ["price", "area"]).answer == {
        "outputs": ["variable"],
        "targets": [{"name": "price"}, {"name": "area"}],
    }
    with pytest.raises(PublishError, match="outputs has 3 names, but the model has 2 outputs: give one for each"):
        shape_of(ridge, outputs, ["a", "b", "c"])
    with pytest.raises(PublishError, match="two outputs have the same name"):
        shape_of(ridge, outputs, ["a", "a"])
    with pytest.raises(PublishError, match="outputs has 1 names, but the model has 1 outputs"):
        shape_of(ridge, {"variable": np.zeros(3)}, ["a"])


def test_an_estimator_that_only_labels_its_own_training_rows_is_refused() -> None:
    with pytest.raises(PublishError, match=r"DBSCAN has neither predict nor transform for new rows: .*KMeans"):
        outputs_of(DBSCAN().fit(ROWS), ROWS)


class Unmarked(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts, but says not what kind of estimator it is."""

    def predict(self, rows: Any) -> Any:
        return np.array(["a"] * len(rows))


def test_one_of_several_objects_says_its_task_and_its_labels() -> None:
    assert stated(LogisticRegression().fit(ROWS, TWO)) == Shape("classification", ["no", "yes"], None)
    assert stated(Ridge().fit(ROWS, NUMBERS)) == Shape("regression", [], None)
    assert stated(KMeans(2, n_init=1).fit(ROWS)) == OTHER
    assert stated(RandomForestClassifier(3).fit(ROWS, SETS)) == OTHER


def test_the_answer_of_an_unknown_kind_is_left_to_a_class() -> None:
    outputs = outputs_of(Unmarked(), ROWS)
    assert list(outputs) == ["label"]
    assert shape_of(Unmarked(), outputs) == OTHER
    texts = outputs_of(OneHotEncoder(sparse_output=False).fit([["a"]]), [["a"]]) | {"vector": np.array([["a"]], object)}
    assert shape_of(StandardScaler(), texts) == OTHER


def test_numbers_that_are_no_probabilities_or_no_labels_are_refused() -> None:
    fitted = LogisticRegression().fit(ROWS, TWO)
    odds = {"label": TWO[:2], "probabilities": np.array([[-1.5, 2.5], [0.0, 1.0]])}
    with pytest.raises(PublishError, match=r"predict_proba returns -1.5, which is no probability: train it with"):
        shape_of(fitted, odds)
    with pytest.raises(PublishError, match=r"predicts 1.5, which is none of its labels: train it with"):
        shape_of(fitted, {"label": np.array([1.5])})


def test_labels_that_would_be_the_same_key_are_left_to_a_class() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = LogisticRegression().fit(ROWS, TWO)
    fitted.classes_ = np.array([1, "1"], object)
    assert shape_of(fitted, {"label": np.array([1]), "probabilities": np.array([[0.5, 0.5]])}) == OTHER
