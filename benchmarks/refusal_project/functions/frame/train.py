"""A model of a text and two numbers, fitted on a DataFrame."""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from modelet.publishing import Trained


def train() -> Trained:
    """Fit on 3,000 houses, because the benchmarks do not depend on its quality."""
    chance = np.random.default_rng(2026)
    rooms = chance.integers(1, 9, 3_000).astype(float)
    houses = pd.DataFrame(
        {"city": chance.choice(["a", "b", "c"], 3_000), "rooms": rooms, "area": rooms * 20 + chance.normal(0, 5, 3_000)}
    )
    dear = np.where(houses["area"] > 100, "dear", "cheap")
    columns = make_column_transformer((OneHotEncoder(), ["city"]), (StandardScaler(), ["rooms", "area"]))
    estimator = make_pipeline(columns, LogisticRegression()).fit(houses, dear)
    return Trained(
        estimator=estimator,
        examples=houses,
        metrics={"accuracy": estimator.score(houses, dear)},
        metric="accuracy",
        feature_names=["city", "rooms", "area"],
    )
