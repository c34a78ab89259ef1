"""How far from the examples a graph is proven, and what becomes of numbers beyond."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from modelet.backends.table import Packer
from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.onnx.doubles import as_compared
from modelet.dev.publish.onnx.graph import Graph
from modelet.dev.publish.parity.compare import compare
from modelet.dev.publish.parity.edge_cases import probes
from modelet.dev.publish.parity.predictions import differences, estimator_answers, graph_answers, mean_size
from modelet.dev.publish.parity.reach import Reach, reach
from modelet.dev.publish.source.examples import rows_of
from modelet.errors import ContractError
from modelet.publishing import Trained
from modelet.store.manifest import BOUNDS, Column

RANDOM = np.random.default_rng(0)
NUMBERS = RANDOM.normal(size=(200, 3))
WHOLE = RANDOM.integers(-9, 10, (200, 2)).astype(float)


class Proven:
    """A fitted estimator, its graph, and how far the two were found to be equal."""

    def __init__(self, estimator: Any, examples: Any, **said: Any) -> None:
        self.estimator = estimator
        given = rows_of(Trained(estimator=estimator, examples=examples, metrics={}, metric="", **said))
        self.rows = as_compared(given, estimator)
        self.graph = Graph(to_graph(estimator, self.rows, "m"), self.rows.features)
        compare(estimator, self.graph, self.rows, probes(estimator, self.rows))
        self.found: Reach = reach(estimator, self.graph, self.rows)

    def is_equal(self, row: list[float]) -> bool:
        asked = self.rows.take([0])
        asked.data[0] = row
        scale = mean_size(estimator_answers(self.estimator, self.rows))
        found = differences(estimator_answers(self.estimator, asked), graph_answers(self.graph, asked), scale)
        return not found.wrong.any()

    def is_taken(self, row: list[float]) -> bool:
        packer = Packer(self.rows.features, self.rows.input_type(self.rows.columns[0]), self.found.columns)
        packer.proven = True
        try:
            packer.pack([dict(zip(self.rows.features, row, strict=True))])
        except ContractError:
            return False
        return True


def test_trees_are_proven_to_the_end_of_float32_and_get_no_bounds() -> None:
    found = Proven(DecisionTreeRegressor(max_depth=4).fit(NUMBERS, NUMBERS[:, 0]), NUMBERS)
    assert found.found == Reach(math.inf, found.rows.columns)


def test_histogram_boosting_is_proven_to_the_end_of_doubles_and_gets_no_bounds() -> None:
    found = Proven(HistGradientBoostingRegressor(max_iter=5).fit(NUMBERS, NUMBERS[:, 0]), NUMBERS)
    assert found.found == Reach(math.inf, found.rows.columns)
    assert found.is_taken([1.7e308, -1e300, 1e39])
    assert found.is_equal([1.7e308, -1e300, 1e39])


def test_trees_of_scaled_doubles_are_bounded_where_float32_ends() -> None:
    scaled = make_pipeline(StandardScaler(), DecisionTreeRegressor(max_depth=4))
    found = Proven(scaled.fit(NUMBERS, NUMBERS[:, 0]), NUMBERS)
    assert found.is_taken([1e35, 1e35, -1e35])
    assert found.is_equal([1e35, 1e35, -1e35])
    assert not found.is_taken([1e39, 0.0, 0.0])


def test_a_whole_number_that_float32_would_round_is_taken_where_doubles_are() -> None:
    examples = np.column_stack([np.arange(200) * 10**9, np.arange(200)[::-1]])
    found = Proven(HistGradientBoostingRegressor(max_iter=5).fit(examples, examples[:, 0]), examples)
    assert [column.type for column in found.rows.with_rounded().columns] == ["integer", "integer"]
    assert found.is_taken([2**53, 5])
    assert found.is_equal([2**53, 5])
    assert not found.is_taken([2**53 + 1, 5])


def test_columns_that_cancel_out_far_away_are_bounded_before_they_do() -> None:
    squares = make_pipeline(PolynomialFeatures(2), LinearRegression())
    found = Proven(squares.fit(WHOLE, WHOLE[:, 0] ** 2 - WHOLE[:, 1] ** 2 + 1), WHOLE)
    assert not found.is_equal([1e7, 1e7])
    assert not found.is_taken([1e7, 1e7])
    assert found.is_taken([1e3, 1e3])
    assert found.is_equal([1e3, 1e3])


def test_a_graph_that_is_right_around_the_examples_only_is_bounded_there() -> None:
    examples = np.random.default_rng(0).normal(size=(400, 6))
    found = Proven(GaussianNB().fit(examples, 3 * examples[:, 0] + examples[:, 1] ** 2 > 1), examples)
    assert found.found.factor == 1
    for place, column in enumerate(found.found.columns):
        low, high = examples[:, place].min(), examples[:, place].max()
        assert column.minimum == pytest.approx(low - (high - low) / 2)
        assert column.maximum == pytest.approx(high + (high - low) / 2)


def test_an_exponential_is_bounded_before_it_overflows() -> None:
    found = Proven(PoissonRegressor(alpha=0).fit(NUMBERS, np.exp(NUMBERS[:, 0])), NUMBERS)
    overflown = [100.0, 0.0, 0.0]
    assert math.isfinite(found.estimator.predict([overflown])[0])
    assert not found.is_equal(overflown)
    assert not found.is_taken(overflown)
    assert all(found.is_taken(row) for row in NUMBERS.tolist())


def test_distances_that_tie_far_away_are_bounded_within_what_is_compared_in_any_case() -> None:
    # In two clusters, a far point is nearest to one of them for as long as float32 can tell.
    rows = np.vstack([WHOLE + 40, WHOLE - 40])
    labels = ["a"] * len(WHOLE) + ["b"] * len(WHOLE)
    found = Proven(make_pipeline(StandardScaler(), KNeighborsClassifier(1, weights="uniform")).fit(rows, labels), rows)
    assert not found.is_taken([3e38, -3e38])
    for row in RANDOM.choice([-1, 1], (300, 2)) * 10 ** RANDOM.uniform(0, 38, (300, 2)):
        assert found.is_equal(row.tolist()) or not found.is_taken(row.tolist())


def test_a_bound_is_that_of_a_rung_that_held_in_two_digits_for_each_column_by_its_own_numbers() -> None:
    columns = NUMBERS * [1, 3, 0]
    found = Proven(PoissonRegressor().fit(columns, np.exp(columns[:, 0])), columns).found
    assert math.log2(found.factor) == int(math.log2(found.factor)) >= 1
    for place, column in enumerate(found.columns):
        span = np.abs(columns[:, place]).max() or 1.0
        assert column.minimum == -(column.maximum or 0)
        assert 0.9 * found.factor * span <= (column.maximum or 0) <= found.factor * span
        assert float(f"{column.maximum:.2g}") == column.maximum
        assert column.found == ("minimum", "maximum")


def test_a_column_that_is_proven_to_the_end_of_float32_gets_no_bound_beyond_it() -> None:
    columns = NUMBERS * [1, 1, 1e9]
    linear = LinearRegression().fit(columns, NUMBERS[:, 0])
    linear.coef_ = np.array([9.0, 20.0, 0.0])
    found = Proven(linear, columns).found
    assert all(column.maximum is None or column.maximum < 3.4e38 for column in found.columns)
    assert found.columns[0].found == ("minimum", "maximum")
    assert found.columns[2].found == ()


def test_bounds_of_the_author_s_stay_and_the_other_side_is_found() -> None:
    positive = np.abs(NUMBERS)
    columns = (Column("a", "number", minimum=0), Column("b", "number", minimum=0, maximum=9), Column("c", "number"))
    found = Proven(PoissonRegressor().fit(positive, np.exp(positive[:, 0])), positive, columns=columns).found
    assert [(one.minimum, one.found) for one in found.columns[:2]] == [(0, ("maximum",)), (0, ())]
    assert found.columns[1] == columns[1]
    assert found.columns[2].found == ("minimum", "maximum")


def test_where_every_column_is_bounded_nothing_is_asked() -> None:
    columns = tuple(Column(name, "number", minimum=-9, maximum=9) for name in "abc")
    found = Proven(PoissonRegressor().fit(NUMBERS, np.exp(NUMBERS[:, 0])), NUMBERS, columns=columns).found
    assert found == Reach(math.inf, columns)


def test_whole_numbers_get_whole_bounds_within_what_float32_holds() -> None:
    counts = pd.DataFrame({"visits": RANDOM.integers(0, 9, 200), "age": RANDOM.integers(18, 90, 200)})
    poisson = PoissonRegressor(alpha=0).fit(counts, np.exp(counts["visits"] / 2))
    found = Proven(poisson, counts).found
    for column in found.columns:
        most = int(column.maximum or 0)
        assert 9 <= most < 2**24
        assert repr(column.maximum) == repr(most)
    linear = LogisticRegression().fit(counts, counts["visits"] > 4)
    assert all(column.found == () for column in Proven(linear, counts).found.columns)


@pytest.mark.parametrize("examples", [np.int8, "uint8", "Int16"])
def test_whole_numbers_of_a_small_type_are_tried_as_far_as_requests_may_go(examples: Any) -> None:
    counts = pd.DataFrame(RANDOM.integers(0, 9, (200, 2)), columns=["visits", "age"]).astype(examples)
    given = counts.to_numpy() if examples is np.int8 else counts
    poisson = PoissonRegressor(alpha=0).fit(given, np.exp(counts["visits"].astype(float) / 2))
    assert all(9 <= (column.maximum or 0) < 1000 for column in Proven(poisson, given).found.columns)


def test_an_estimator_that_raises_far_away_is_bounded_where_it_still_answers() -> None:
    class Careful(LinearRegression):  # type: ignore[misc]  # scikit-learn has no types
        def predict(self, rows: Any) -> Any:
            if np.abs(rows).max() > 1e9:
                raise ValueError("too far")
            return super().predict(rows)

    plain = LinearRegression().fit(NUMBERS, NUMBERS[:, 0])
    found = Proven(plain, NUMBERS)
    careful = Careful().fit(NUMBERS, NUMBERS[:, 0])
    [most] = {column.maximum for column in reach(careful, found.graph, found.rows).columns[:1]}
    assert most is not None
    assert 1e7 < most <= 1e9


@pytest.mark.parametrize("proven", [True, False])
def test_a_number_beyond_a_bound_that_was_found_is_refused_with_its_field(proven: bool) -> None:
    columns = (Column("a", "number", minimum=-46, maximum=46, found=("minimum", "maximum")), Column("b", "number"))
    packer = Packer(("a", "b"), np.float32, columns)
    packer.proven = proven
    assert packer.pack([{"a": 46, "b": 1e30}]).tolist() == [[46, np.float32(1e30)]]
    with pytest.raises(ContractError) as refused:
        packer.pack([{"a": 1, "b": 1}, {"a": -46.1, "b": 2}])
    [found] = refused.value.violations
    assert (found.instance, found.field, found.message) == (1, "a", "Input should be greater than or equal to -46")


@pytest.mark.parametrize(("low", "high", "inside", "outside"), [(1975, 2035, 1990, 5), (-40, -10, -20, 0)])
def test_bounds_that_were_found_need_not_hold_zero(low: float, high: float, inside: float, outside: float) -> None:
    packer = Packer(("a",), np.float32, (Column("a", "number", minimum=low, maximum=high, found=BOUNDS),))
    packer.proven = True
    assert packer.pack([{"a": inside}]).tolist() == [[inside]]
    with pytest.raises(ContractError, match="Input should be"):
        packer.pack([{"a": outside}])
