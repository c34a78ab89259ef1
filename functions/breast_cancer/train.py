"""Train the breast cancer model on scikit-learn's bundled data: `modelet publish breast-cancer` calls `train`.

Five-fold cross-validation, shuffled twice, chose the ensemble by its accuracy: extremely randomised trees 0.968, random
forest 0.963, gradient boosting 0.963.
"""

import numpy as np
from features import FEATURES
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import RepeatedStratifiedKFold, cross_validate

from modelet.publishing import Trained

SEED = 2026
SCORING = ("accuracy", "f1", "precision", "recall", "roc_auc")
"""F1, precision and recall are for the class malignant."""


def train() -> Trained:
    """Fit on all biopsies; the figures are means over 20 folds, of a five-fold cross-validation shuffled four times."""
    measurements, diagnoses = read_biopsies()
    return Trained(
        estimator=new_forest().fit(measurements, diagnoses),
        examples=blend(measurements, 1_200),
        metrics=cross_validated(measurements, diagnoses),
        metric="roc_auc",
        feature_names=FEATURES,
        info={"biopsies": len(diagnoses)},
    )


def new_forest() -> ExtraTreesClassifier:
    """Return the unfitted estimator; its number of trees is odd, so that ties are rare."""
    return ExtraTreesClassifier(n_estimators=201, random_state=SEED)


def read_biopsies() -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Return the measurements, shape (569, 30), and the diagnoses, "malignant" or "benign".

    The measurements are float32, as in the graph: a forest that was fitted on doubles has thresholds between values
    that are equal in float32. Raises ValueError if scikit-learn's columns are not those of the contract.
    """
    data = load_breast_cancer()
    names = tuple(name.replace(" ", "_") for name in data.feature_names)
    if names != FEATURES:
        raise ValueError(f"scikit-learn's columns are {', '.join(names)}: change the fields of Biopsy to these")
    return data.data.astype(np.float32), data.target_names[data.target]


def cross_validated(measurements: NDArray[np.float32], diagnoses: NDArray[np.str_]) -> dict[str, float]:
    """Return the mean of each figure over all folds."""
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=4, random_state=SEED)
    found = cross_validate(new_forest(), measurements, diagnoses == "malignant", cv=folds, scoring=SCORING)
    return {name: float(found[f"test_{name}"].mean()) for name in SCORING}


def blend(measurements: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return new biopsies, each interpolated between two of the data set.

    Publish compares the graph with the estimator on these rows, which are not training data; they need no diagnoses.
    """
    random = np.random.default_rng(SEED)
    first, second = measurements[random.integers(len(measurements), size=(2, count))]
    share = random.random((count, 1), dtype=np.float32)
    blended: NDArray[np.float32] = first * share + second * (1 - share)
    return blended
