"""Train both models on scikit-learn's bundled data: `modelet publish toolbox` calls `train`.

Each becomes an ONNX graph in a folder of its own in one version, so they are always deployed together. Sources of the
data: Fisher (1936), The use of multiple measurements in taxonomic problems; Aeberhard, Coomans and de Vel (1992).
"""

from collections.abc import Callable
from typing import Any

from sklearn.datasets import load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from modelet.publishing import Trained

DATA: dict[str, Callable[..., Any]] = {"iris": load_iris, "wine": load_wine}
FOLDS = 5


def train() -> Trained:
    """Fit each model on all of its rows; the figures are mean accuracies of a five-fold cross-validation."""
    data = {name: load(as_frame=True) for name, load in DATA.items()}
    rows = {name: each.data.set_axis(columns(each), axis=1) for name, each in data.items()}
    labels = {name: each.target_names[each.target] for name, each in data.items()}
    metrics = {
        f"{name}_accuracy": float(cross_val_score(new_pipeline(), rows[name], labels[name], cv=FOLDS).mean())
        for name in DATA
    }
    return Trained(
        estimator={name: new_pipeline().fit(rows[name], labels[name]) for name in DATA},
        examples=rows,
        metrics={**metrics, "accuracy": sum(metrics.values()) / len(metrics)},
        metric="accuracy",
        info={"rows": {name: len(each) for name, each in rows.items()}},
    )


def new_pipeline() -> Pipeline:
    """Return an unfitted estimator."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))


def columns(data: Any) -> list[str]:
    """Return the data set's columns as members of a JSON object are named: sepal_length for sepal length (cm)."""
    return [name.partition(" (")[0].replace(" ", "_").replace("/", "_") for name in data.feature_names]
