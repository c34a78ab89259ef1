"""A model of 30 numbers, as in a table of measurements: scaling and a logistic regression."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelet.publishing import Trained


def train() -> Trained:
    """Fit on the whole data set, because the benchmarks do not depend on its quality."""
    cells = load_breast_cancer()
    names = cells.target_names[cells.target]
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(cells.data, names)
    return Trained(
        estimator=estimator,
        examples=cells.data,
        metrics={"accuracy": estimator.score(cells.data, names)},
        metric="accuracy",
        feature_names=[name.replace(" ", "_") for name in cells.feature_names],
    )
