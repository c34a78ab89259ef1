"""What a refused publish says."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from modelet.dev.publish.parity.predictions import Answers, differences
from modelet.dev.publish.parity.report import Comparison, refusal, refused_row
from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.rows import Rows


class Doubles(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Answers with the digits that float32 drops."""

    def predict(self, rows: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
        found: np.typing.NDArray[np.float64] = 1.0 + 1e7 * (rows[:, 0] - rows[:, 0].astype(np.float32))
        return found


def comparison(kind: str, data: np.typing.NDArray[np.float64], expected: Answers, given: Answers) -> Comparison:
    return Comparison(kind, Rows(data, "matrix", columns_of(data)), expected, given, differences(expected, given, 1.0))


def numbers(*values: float) -> Answers:
    return Answers(None, np.array(values, dtype=np.float64)[:, None])


def test_the_worst_rows_are_shown_first_whatever_their_kind() -> None:
    data = np.array([[1.0], [2.0]])
    held_out = comparison("held-out", data, numbers(1.0, 2.0), numbers(1.0, 2.1))
    generated = comparison("generated", data, numbers(1, 2), numbers(5, 2))
    first, *rows = refusal(Doubles(), [held_out, generated], 1.0).splitlines()
    assert "1 of 2 held-out rows and 1 of 2 generated rows: the largest difference is 4" in first
    assert rows == [
        "  generated row 0: estimator 1, graph 5; x0=1.0",
        "  held-out row 1: estimator 2, graph 2.1; x0=2.0",
    ]


def test_where_float32_alone_makes_the_difference_the_remedy_is_float32() -> None:
    data = np.array([[0.1], [70.3]])
    found = comparison("held-out", data, numbers(*Doubles().predict(data)), numbers(1, 1))
    assert "train it on float32" in refusal(Doubles(), [found], 1.0)


def test_a_changed_label_goes_before_a_changed_number() -> None:
    data = np.array([[1.0], [2.0], [3.0]])
    shares = np.array([[0.6, 0.4], [0.9, 0.1], [0.6, 0.4]])
    moved = np.array([[0.4, 0.6], [0.5, 0.5], [0.6, 0.4]])
    found = comparison("held-out", data, Answers(["a", "a", "a"], shares), Answers(["b", "a", "b"], moved))
    first, *rows = refusal(GaussianNB().fit(data, ["a", "b", "b"]), [found], 0.0).splitlines()
    assert "3 of 3 held-out rows: 2 labels change" in first
    assert [row.split(":")[0].strip() for row in rows] == ["held-out row 0", "held-out row 2", "held-out row 1"]


def generated(estimator: object, value: float) -> str:
    """What is said where one generated row differs, and no example from 1 to 3 does."""
    held_out = comparison("held-out", np.array([[1.0], [3.0]]), numbers(1, 3), numbers(1, 3))
    return refusal(estimator, [held_out, comparison("generated", np.array([[value]]), numbers(1), numbers(2))], 1.0)


def test_bounds_are_advised_only_where_they_refuse_the_rows_that_differ() -> None:
    assert "bounded=True" in generated(Doubles(), 4.0)
    assert "bounded=True" not in generated(Doubles(), 2.5)
    assert "categories=(0.0, 1.0, 2.0)" in generated(Doubles(), 2.5)


def test_where_trees_compare_scaled_numbers_the_remedy_is_to_leave_scaling_out() -> None:
    data = np.array([[1.0], [3.0]])
    assert "remove the scaling" in generated(
        make_pipeline(StandardScaler(), DecisionTreeRegressor()).fit(data, [1, 3]), 2.5
    )


def test_an_encoder_is_told_its_own_option_for_unknown_values() -> None:
    data = pd.DataFrame({"c": ["x", "y"]})
    rows = Rows(data, "columns", columns_of(data))
    ordinal, one_hot = OrdinalEncoder().fit(data), OneHotEncoder().fit(data)
    told = refused_row(ordinal, rows, 0, ValueError("unknown"))
    assert "handle_unknown='use_encoded_value', unknown_value=-1" in told
    assert "'ignore'" not in told
    assert "handle_unknown='ignore'" in refused_row(one_hot, rows, 0, ValueError("unknown"))
    both = refused_row(make_pipeline(ordinal, one_hot), rows, 0, ValueError("unknown"))
    assert "OneHotEncoder with handle_unknown='ignore'" in both


def test_where_a_missing_value_is_refused_the_remedy_is_that_none_may_be_missing() -> None:
    data = pd.DataFrame({"x": [1.0, None]})
    told = refused_row(Doubles(), Rows(data, "columns", columns_of(data)), 1, ValueError("contains NaN"))
    assert "nullable=False" in told
