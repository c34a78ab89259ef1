"""What becomes of each of scikit-learn's classifiers, regressors and transformers."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.impute import KNNImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.onnx.graph import Graph
from modelet.dev.publish.onnx.kinds import EXACT, REFUSED, SERVED, check_kinds
from modelet.dev.publish.parity.compare import compare
from modelet.dev.publish.parity.edge_cases import probes
from modelet.dev.publish.source.examples import rows_of
from modelet.dev.publish.source.parts import kind_of
from modelet.errors import ConversionError
from modelet.publishing import Trained, columns_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    KINDS = dict(all_estimators(["classifier", "regressor", "transformer"]))
OF_TEXT = {"CountVectorizer", "TfidfVectorizer"}
"""Proven in test_parity and test_vectorizing; scikit-learn does not count them as transformers."""

OPTIONS: dict[str, dict[str, Any]] = {
    "BaggingClassifier": {"max_features": 0.5},
    "CategoricalNB": {"min_categories": 60},
    "ColumnTransformer": {"transformers": [("scaled", StandardScaler(), [0, 1])], "remainder": "passthrough"},
    "FeatureUnion": {
        "transformer_list": [("a", StandardScaler()), ("b", MinMaxScaler())],
        "transformer_weights": {"a": 2.0},
    },
    "GammaRegressor": {"alpha": 0.1},
    "KBinsDiscretizer": {"encode": "onehot-dense", "quantile_method": "averaged_inverted_cdf"},
    "KernelPCA": {"n_components": 3},
    "MinMaxScaler": {"clip": True},
    "OneHotEncoder": {"handle_unknown": "ignore"},
    "OrdinalEncoder": {"handle_unknown": "use_encoded_value", "unknown_value": -1},
    "PCA": {"n_components": 3, "whiten": True},
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.1},
    "QuantileTransformer": {"n_quantiles": 20},
    "StackingClassifier": {"estimators": [("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=3))]},
    "StackingRegressor": {"estimators": [("a", Ridge()), ("b", DecisionTreeRegressor(max_depth=3))]},
    "TruncatedSVD": {"n_components": 3},
    "VotingClassifier": {
        "estimators": [("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=3))],
        "voting": "soft",
        "flatten_transform": False,
    },
    "VotingRegressor": {"estimators": [("a", Ridge()), ("b", DecisionTreeRegressor(max_depth=3))]},
}
COUNTS = {"CategoricalNB", "ComplementNB", "MultinomialNB", "GammaRegressor", "PoissonRegressor", "TweedieRegressor"}
OF_WORDS = {"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"}
OF_THREE = {"LinearDiscriminantAnalysis"}


def data(name: str) -> tuple[Any, Any, Any]:
    """Rows, labels and targets that suit an estimator."""
    rows, labels = make_classification(
        160, 6, n_informative=4, n_redundant=0, n_classes=3 if name in OF_THREE else 2, flip_y=0.1, random_state=3
    )
    targets = rows @ np.arange(1, 7) + np.sin(7 * rows[:, 0])
    if name in COUNTS:
        rows = np.abs(np.round(3 * rows))
        targets = np.abs(targets) + 1
    if name in {"SimpleImputer", "KNNImputer"}:
        rows[::5, 0] = np.nan
    if name in OF_WORDS:
        rows = pd.DataFrame({"word": np.array(["p", "q", "r"])[labels + (rows[:, 0] > 0)], "number": rows[:, 1]})
    if "MultiTask" in name or name in {"MultiOutputRegressor", "PLSRegression"}:
        targets = np.c_[targets, 3 * rows[:, 0] - rows[:, 1]]
    return rows, labels, targets


def made(name: str) -> Any:
    """An estimator, as the last step or before one."""
    kind: Any = KINDS[name]
    accepted = inspect.signature(kind).parameters
    given = OPTIONS.get(name, {}) | ({"random_state": 0} if "random_state" in accepted else {})
    if "estimator" in accepted and accepted["estimator"].default is inspect.Parameter.empty:
        given["estimator"] = Ridge() if name.endswith("Regressor") else LogisticRegression()
    if "n_estimators" in accepted:
        given["n_estimators"] = 7
    estimator = kind(**given)
    if kind_of(estimator) in {"classifier", "regressor"} and not name.startswith("RFE"):
        return estimator
    if name in OF_WORDS:
        estimator = ColumnTransformer([("words", estimator, ["word"])], remainder="passthrough")
    return make_pipeline(estimator, LogisticRegression(max_iter=2000))


def test_each_classifier_regressor_and_transformer_of_scikit_learn_has_one_place() -> None:
    assert set(KINDS) | OF_TEXT == EXACT | SERVED | set(REFUSED)
    assert len(EXACT) + len(SERVED) + len(REFUSED) == len(EXACT | SERVED | set(REFUSED))


@pytest.mark.parametrize("name", sorted(EXACT - OF_TEXT))
@pytest.mark.filterwarnings("ignore")
def test_the_graph_of_an_exact_one_answers_as_it_does(name: str) -> None:
    rows, labels, targets = data(name)
    estimator = made(name)
    wanted = targets if kind_of(estimator) == "regressor" else labels
    estimator.fit(rows.iloc[::2] if isinstance(rows, pd.DataFrame) else rows[::2], wanted[::2])
    columns = columns_of(rows, bounded=True) if name in COUNTS else None
    found = rows_of(Trained(estimator=estimator, examples=rows, metrics={}, metric="", columns=columns))
    graph = Graph(to_graph(estimator, found, "m"), found.features)
    assert compare(estimator, graph, found, probes(estimator, found))["labels_equal"]


def test_a_tuned_threshold_is_refused_even_where_no_example_lies_between_it_and_the_middle() -> None:
    rows, labels, _ = data("LogisticRegression")
    tuned = TunedThresholdClassifierCV(LogisticRegression()).fit(rows, labels)
    with pytest.raises(ConversionError, match=r"loses its threshold in a graph: train its estimator alone"):
        check_kinds(tuned)


def test_ties_that_are_broken_are_refused_where_there_may_be_any() -> None:
    rows, labels, _ = data("LinearDiscriminantAnalysis")
    with pytest.raises(ConversionError, match="train with break_ties=False"):
        check_kinds(SVC(break_ties=True).fit(rows, labels))
    check_kinds(SVC(break_ties=True).fit(rows, labels == 1))
    check_kinds(SVC().fit(rows, labels))


def test_an_imputer_by_neighbours_whose_missing_values_are_numbers_is_refused() -> None:
    rows, labels, _ = data("LogisticRegression")
    for sentinel in (-999, 7):
        imputer = make_pipeline(KNNImputer(missing_values=sentinel), LogisticRegression()).fit(rows, labels)
        with pytest.raises(ConversionError, match=r"fills only NaN in a graph: .*missing_values=np\.nan"):
            check_kinds(imputer)
    check_kinds(make_pipeline(KNNImputer(), LogisticRegression()).fit(rows, labels))
