"""Differences between answers."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.publish.parity.predictions import TOLERANCE, Answers, differences

NUMBERS = st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=5)


def of(*numbers: float, labels: list[str] | None = None) -> Answers:
    return Answers(labels, np.array(numbers, dtype=np.float64).reshape(len(labels or numbers), -1))


@given(NUMBERS)
def test_an_answer_does_not_differ_from_itself(numbers: list[float]) -> None:
    found = differences(of(*numbers), of(*numbers), 1.0)
    assert not found.wrong.any()
    assert found.greatest == 0


@given(NUMBERS)
def test_no_difference_is_ever_nan(numbers: list[float]) -> None:
    found = differences(of(*numbers), of(*(0.5 for _ in numbers)), 1.0)
    assert not np.isnan(found.numbers).any()


def test_a_missing_or_infinite_answer_is_wrong_beside_a_number() -> None:
    assert differences(of(1.0, 1.0), of(math.nan, math.inf), 1.0).wrong.all()


def test_a_regression_differs_relative_to_its_value_or_to_the_mean_size() -> None:
    assert not differences(of(1e6), of(1e6 + 1), 1.0).wrong.any()
    assert differences(of(1.0), of(1 + 2 * TOLERANCE), 1.0).wrong.all()
    assert not differences(of(1e-9), of(2e-9), 100.0).wrong.any()
    assert differences(of(1e-9), of(2e-9), 1e-9).wrong.all()


def test_a_probability_differs_absolutely_and_a_label_by_any_change() -> None:
    expected = of(0.4, 0.6, 0.6, 0.4, labels=["b", "a"])
    assert not differences(expected, of(0.400001, 0.599999, 0.6, 0.4, labels=["b", "a"]), 0).wrong.any()
    assert differences(expected, of(0.41, 0.59, 0.6, 0.4, labels=["b", "a"]), 0).wrong.tolist() == [True, False]
    assert differences(expected, of(0.4, 0.6, 0.6, 0.4, labels=["b", "b"]), 0).wrong.tolist() == [False, True]


def test_labels_alone_are_compared_too() -> None:
    none = np.zeros((2, 0))
    assert differences(Answers(["a", "b"], none), Answers(["a", "a"], none), 0).wrong.tolist() == [False, True]


def test_a_toss_up_between_labels_is_not_clear() -> None:
    assert of(0.5, 0.5, 0.9, 0.1, 0.500001, 0.499999, labels=["a", "a", "b"]).clear() == [1]
    assert of(1.0, 2.0).clear() == [0, 1]


def test_answers_are_shown_for_people() -> None:
    assert of(0.25, 0.75, labels=["b"]).shown(0) == "'b' 0.750000"
    assert of(2.5).shown(0) == "2.5"
    assert Answers(["b"], np.zeros((1, 0))).shown(0) == "'b'"
