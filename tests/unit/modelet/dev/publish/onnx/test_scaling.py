"""Scalers in a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, OneHotEncoder, RobustScaler, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.onnx.graph import Graph
from modelet.dev.publish.onnx.optimize import optimized
from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.rows import Rows

SCALERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    StandardScaler(with_mean=False, with_std=False),
    MinMaxScaler(),
    MinMaxScaler((-1, 2), clip=True),
    RobustScaler(),
    RobustScaler(with_centering=False),
    RobustScaler(with_scaling=False),
    MaxAbsScaler(),
    MaxAbsScaler(clip=True),
    make_pipeline(StandardScaler(), MinMaxScaler()),
]


def lattice(count: int, digits: int) -> Any:
    """Numbers of few digits, as tables hold them."""
    chance = np.random.default_rng(digits)
    columns = (chance.normal(size=count), chance.normal(50, 10, count), chance.gamma(3, 3, count))
    return np.round(np.column_stack(columns), digits)


def served(estimator: Any, rows: Rows) -> Any:
    graph = Graph(optimized(to_graph(estimator, rows, "m")), rows.features, optimized=True)
    return graph.answer(rows.instances())["variable"].ravel()


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("scaler", SCALERS, ids=str)
def test_trees_behind_a_scaler_answer_as_the_estimator_does_where_rows_lie_on_thresholds(
    scaler: Any, kind: type[Any]
) -> None:
    train, asked = lattice(400, 1).astype(kind), lattice(4000, 2).astype(np.float32).astype(kind)
    target = np.sin(3 * train[:, 0]) + train[:, 1] + train[:, 2]
    estimator = make_pipeline(scaler, DecisionTreeRegressor(random_state=0)).fit(train, target)
    found = served(estimator, Rows(asked, "matrix", columns_of(asked)))
    assert found == pytest.approx(estimator.predict(asked), rel=1e-6)


@pytest.mark.parametrize("scaler", SCALERS[4:6] + SCALERS[9:11], ids=str)
def test_a_scaler_leaves_missing_values_missing(scaler: Any) -> None:
    from sklearn.impute import SimpleImputer

    train = lattice(100, 1)
    train[::7, 0] = np.nan
    estimator = make_pipeline(scaler, SimpleImputer(), LinearRegression()).fit(train, train[:, 1])
    found = served(estimator, Rows(train, "matrix", columns_of(train)))
    assert found == pytest.approx(estimator.predict(train), rel=1e-5)


def test_scaled_columns_of_a_frame_of_whole_numbers_and_others_stand_beside_words() -> None:
    train, asked = lattice(400, 1), lattice(2000, 2).astype(np.float32).astype(float)
    frames = [
        pd.DataFrame({"a": data[:, 0], "n": data[:, 1].astype(int), "c": np.where(data[:, 2] > 8, "x", "y")})
        for data in (train, asked)
    ]
    columns = ColumnTransformer([("n", StandardScaler(), ["a", "n"]), ("c", OneHotEncoder(), ["c"])])
    estimator = make_pipeline(columns, MaxAbsScaler(), DecisionTreeRegressor(random_state=0))
    estimator.fit(frames[0], np.sin(3 * train[:, 0]) + frames[0]["n"])
    found = served(estimator, Rows(frames[1], "columns", columns_of(frames[1])))
    assert found == pytest.approx(estimator.predict(frames[1]), rel=1e-6)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_a_row_is_not_divided_by_a_norm_that_scikit_learn_takes_for_zero(norm: str, kind: type[Any]) -> None:
    train = (np.abs(lattice(100, 2)) + 0.1).astype(kind)
    estimator = make_pipeline(Normalizer(norm), Ridge()).fit(train, train[:, 0] / train[:, 2])
    powers = 10.0 ** -np.arange(38.0)
    asked = np.vstack([train, powers[:, None] * [-1.0, 2.0, 0.5], np.zeros((1, 3))]).astype(np.float32).astype(kind)
    found = served(estimator, Rows(asked, "matrix", columns_of(asked)))
    assert found == pytest.approx(estimator.predict(asked), rel=1e-4, abs=1e-5)
