"""Values at the thresholds of trees."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelet.dev.publish.onnx.doubles import as_compared
from modelet.dev.publish.parity.thresholds import threshold_values
from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.rows import Rows

if TYPE_CHECKING:
    from unit.modelet.dev.publish.conftest import Table


def rows(data: Any) -> Rows:
    return Rows(data, "matrix", columns_of(data))


def test_a_trees_thresholds_are_tried_in_float32_and_one_step_to_either_side() -> None:
    tree = DecisionTreeClassifier().fit([[0.0, 1.0], [0.0, 2.2]], [0, 1])
    threshold = np.float32(tree.tree_.threshold[0])
    below, above = np.nextafter(threshold, np.float32(-9)), np.nextafter(threshold, np.float32(9))
    assert threshold_values(tree, rows(np.zeros((1, 2)))) == {1: [threshold, below, above]}


@pytest.mark.parametrize(
    "estimator",
    [ExtraTreesClassifier(3), GradientBoostingClassifier(n_estimators=3)],
)
def test_every_kind_of_forest_gives_thresholds(estimator: Any, table: Table) -> None:
    assert threshold_values(estimator.fit(*table.train), rows(table.examples))


def test_a_split_of_missing_values_is_at_infinity_and_left_out(table: Table) -> None:
    data = table.rows.copy()
    data[::3, 0] = math.nan
    found = threshold_values(RandomForestRegressor(5).fit(data, np.isnan(data[:, 0])), rows(data))
    assert np.isfinite([value for values in found.values() for value in values]).all()


def test_histogram_boosting_is_tried_at_doubles_beside_a_threshold(table: Table) -> None:
    boosted = HistGradientBoostingClassifier(max_iter=1, max_leaf_nodes=2).fit(*table.train)
    node = boosted._predictors[0][0].nodes[0]
    threshold = float(node["num_threshold"])
    found = threshold_values(boosted, as_compared(rows(table.examples), boosted))
    assert {threshold, np.nextafter(threshold, -9), np.nextafter(threshold, 9)} < {*found[int(node["feature_idx"])]}


def test_what_is_scaled_is_also_tried_in_the_middle_between_two_examples() -> None:
    data = np.array([[0.1], [0.3]] * 4)
    scaled = make_pipeline(StandardScaler(), DecisionTreeClassifier()).fit(data, [0, 1] * 4)
    assert (0.1 + 0.3) / 2 in threshold_values(scaled, as_compared(rows(data), scaled))[0]


def test_other_estimators_have_no_thresholds(table: Table) -> None:
    assert threshold_values(LogisticRegression().fit(*table.train), rows(table.examples)) == {}
    assert threshold_values(None, Rows(["a"], "text", columns_of(["a"]))) == {}
