from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelet.publishing import Trained

FEATURES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


def train() -> Trained:
    flowers, species = load_iris(return_X_y=True)
    estimator = make_pipeline(StandardScaler(), LogisticRegression())
    names = load_iris().target_names[species]
    estimator.fit(flowers, names)
    return Trained(
        estimator=estimator,
        examples=flowers,
        metrics={"accuracy": estimator.score(flowers, names)},
        metric="accuracy",
        feature_names=FEATURES,
    )
