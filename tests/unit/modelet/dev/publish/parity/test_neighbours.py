"""Rows whose nearest neighbours tie, and that a graph which chooses others is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingRegressor, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.onnx.graph import Graph
from modelet.dev.publish.parity.compare import compare
from modelet.dev.publish.parity.edge_cases import probes
from modelet.dev.publish.parity.neighbours import has_neighbours, tied
from modelet.dev.publish.source.examples import rows_of
from modelet.errors import ParityError
from modelet.publishing import Trained

CHANCE = np.random.default_rng(0)
WHOLE = CHANCE.integers(0, 20, (60, 3))
REAL = CHANCE.normal(size=(60, 3))
NUMBERS = CHANCE.normal(size=60)


def rows(examples: Any) -> Any:
    return rows_of(Trained(estimator=None, examples=examples, metrics={}, metric=""))


def compared(estimator: Any, examples: Any) -> Any:
    given = rows(examples)
    return compare(estimator, Graph(to_graph(estimator, given, "m"), given.features), given, probes(estimator, given))


def test_the_last_neighbour_ties_with_the_first_one_that_is_left_out() -> None:
    nearest = KNeighborsRegressor(2).fit(np.array([[0.0], [2.0], [4.0], [9.0]]), [0, 1, 2, 3])
    assert tied(nearest, rows(np.array([[1.0], [2.0], [2.5], [3.0], [4.0], [6.5]]))) == [1]


def test_distances_that_float32_cannot_tell_apart_tie() -> None:
    nearest = KNeighborsRegressor(1).fit(np.array([[0.0], [2.0]]), [0, 1])
    assert tied(nearest, rows(np.array([[1.0 + 1e-9], [1.001]]))) == [0]


def test_where_all_examples_are_neighbours_nothing_ties() -> None:
    nearest = KNeighborsRegressor(2).fit(np.array([[0.0], [2.0]]), [0, 1])
    assert tied(nearest, rows(np.array([[1.0]]))) == []


@pytest.mark.parametrize(
    "estimator",
    [
        KNeighborsRegressor(3),
        make_pipeline(StandardScaler(), KNeighborsRegressor(3)),
        BaggingRegressor(KNeighborsRegressor(3), n_estimators=2, random_state=0),
    ],
    ids=["alone", "behind a step", "inside of another"],
)
def test_neighbours_are_found_wherever_they_stand(estimator: Any) -> None:
    flags = WHOLE % 2
    fitted = estimator.fit(flags, NUMBERS)
    assert has_neighbours(fitted)
    assert tied(fitted, rows(flags[:8]))


def test_without_neighbours_nothing_is_looked_for() -> None:
    labels = NUMBERS > 0
    fitted = VotingClassifier([("a", LogisticRegression())]).fit(REAL, labels)
    assert not has_neighbours(fitted)
    assert tied(fitted, rows(REAL)) == []


def test_neighbours_behind_columns_that_may_be_missing_are_looked_for_too() -> None:
    frame = pd.DataFrame({"a": np.where(np.arange(60) % 7, WHOLE[:, 0], np.nan), "b": list("xyz") * 20})
    steps = ColumnTransformer([("a", SimpleImputer(), ["a"]), ("b", OneHotEncoder(), ["b"])])
    fitted = make_pipeline(steps, KNeighborsClassifier(3)).fit(frame, NUMBERS > 0)
    assert tied(fitted, rows(frame))


def test_neighbours_among_whole_numbers_are_refused_as_a_graph() -> None:
    with pytest.raises(ParityError, match="backend: sklearn"):
        compared(KNeighborsRegressor(3).fit(WHOLE, NUMBERS), WHOLE[:20])


def test_neighbours_among_real_numbers_are_exact() -> None:
    assert compared(KNeighborsRegressor(3).fit(REAL, NUMBERS), REAL[:20])["greatest_difference"] < 1e-5
