"""From which columns the trees inside an estimator read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    RandomForestRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from modelet.dev.publish.parity.thresholds import threshold_values
from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.rows import Layout, Rows

CHANCE = np.random.default_rng(0)
SPLIT = 50.0
"""Where the only column that matters, the third, splits."""

DATA = np.column_stack([CHANCE.normal(size=200), CHANCE.normal(size=200), np.repeat([20.0, 49.0, 51.0, 70.0], 50)])
TARGET = (DATA[:, 2] > SPLIT) * 1.0
FRAME = pd.DataFrame(DATA, columns=["a", "b", "c"]).assign(word=np.where(DATA[:, 0] > 0, "x", "y"))


def tree() -> Any:
    return DecisionTreeRegressor(max_depth=1)


def tried(estimator: Any, data: Any, layout: Layout) -> dict[int, list[float]]:
    return threshold_values(estimator, Rows(data, layout, columns_of(data)))


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), MinMaxScaler(), tree()),
        make_pipeline(QuantileTransformer(n_quantiles=4), SimpleImputer(), tree()),
        make_pipeline(FunctionTransformer(), SelectKBest(f_regression, k=2), PowerTransformer(), tree()),
        make_pipeline(FeatureUnion([("a", OneHotEncoder(handle_unknown="ignore")), ("b", StandardScaler())]), tree()),
        VotingRegressor([("a", make_pipeline(MinMaxScaler(), tree())), ("b", LinearRegression())]),
        VotingRegressor([("a", make_pipeline(MinMaxScaler(), RandomForestRegressor(3, max_depth=1, max_features=3)))]),
        StackingRegressor([("a", LinearRegression())], final_estimator=tree(), passthrough=True),
        BaggingRegressor(make_pipeline(StandardScaler(), tree()), 3, max_features=2, random_state=0),
        make_pipeline(MinMaxScaler(), AdaBoostRegressor(tree(), n_estimators=2)),
        make_pipeline(StandardScaler(), CalibratedClassifierCV(DecisionTreeClassifier(max_depth=1))),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_a_threshold_is_carried_back_to_the_column_that_it_splits(estimator: Any) -> None:
    found = tried(estimator.fit(DATA, TARGET), DATA, "matrix")
    assert np.float32(SPLIT) in np.array(found[2], dtype=np.float32)


def test_a_frames_columns_are_found_behind_a_column_transformer() -> None:
    columns = ColumnTransformer(
        [("word", OneHotEncoder(), ["word"]), ("none", "drop", ["a"]), ("c", StandardScaler(), ["c"])],
        remainder="passthrough",
    )
    estimator = make_pipeline(columns, tree()).fit(FRAME, TARGET)
    found = tried(estimator, FRAME, "columns")
    assert set(found) == {2}
    assert np.float32(SPLIT) in np.array(found[2], dtype=np.float32)


def test_the_middle_between_two_examples_is_tried_behind_a_scaler() -> None:
    shown = np.where(DATA == 51.0, 51.5, DATA)
    estimator = make_pipeline(StandardScaler(), tree()).fit(DATA, TARGET)
    assert 50.25 in tried(estimator, shown, "matrix")[2]


def test_a_transformer_that_tells_nothing_of_its_features_leaves_nothing_to_try() -> None:
    estimator = make_pipeline(FunctionTransformer(np.abs), tree()).fit(DATA, TARGET)
    assert tried(estimator, DATA, "matrix") == {}
