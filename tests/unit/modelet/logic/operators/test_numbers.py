"""Operators of numbers against Python's own, and exact ones."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.logic.errors import LogicError
from modelet.logic.operators import numbers
from support.growth import LINEAR, growth

NUMBERS = st.one_of(st.integers(-(2**63) + 1, 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
SMALL = st.floats(-1e6, 1e6)


def outcome(function: Any, *values: Any) -> Any:
    try:
        return function(*values)
    except LogicError:
        return None


@given(NUMBERS, NUMBERS)
def test_arithmetic_is_exact_for_integers_and_finite_for_others(one: Any, other: Any) -> None:
    for function, exact in ((numbers.add, Fraction.__add__), (numbers.multiply, Fraction.__mul__)):
        made, expected = outcome(function, one, other), exact(Fraction(one), Fraction(other))
        if made is None:
            assert abs(expected) > 2**62
        elif isinstance(one, int) and isinstance(other, int):
            assert made == expected
            assert isinstance(made, int)
        else:
            assert math.isfinite(made)


@given(NUMBERS, NUMBERS.filter(bool))
def test_a_quotient_and_a_remainder_are_those_of_real_numbers(one: Any, other: Any) -> None:
    quotient, rest = outcome(numbers.divide, one, other), numbers.remainder(one, other)
    if quotient is not None:
        assert quotient == pytest.approx(float(Fraction(one) / Fraction(other)), rel=1e-12)
    assert abs(rest) < abs(other)
    assert rest == 0 or (rest > 0) == (one > 0)


@given(SMALL, st.integers(-5, 5))
def test_rounding_is_that_of_the_digits_that_json_shows(value: float, digits: int) -> None:
    for mode, decimal in (("half_even", ROUND_HALF_EVEN), ("half_up", ROUND_HALF_UP)):
        expected = Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), rounding=decimal)
        assert numbers.rounded(value, digits, mode) == float(expected)


@given(st.integers(-(2**53) + 1, 2**53 - 1), st.integers(-15, 15))
def test_rounding_an_integer_gives_an_integer(value: int, digits: int) -> None:
    made = numbers.rounded(value, digits)
    assert isinstance(made, int)
    assert abs(made - value) * 2 <= 10 ** max(0, -digits)


@given(st.floats(-1e4, 1e4))
def test_a_sigmoid_is_between_0_and_1_and_symmetric(value: float) -> None:
    made = numbers.sigmoid(value)
    assert 0 <= made <= 1
    assert made + numbers.sigmoid(-value) == pytest.approx(1)


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=20))
def test_a_softmax_sums_to_1_and_keeps_the_order(values: list[float]) -> None:
    made = numbers.softmax(values)
    assert math.fsum(made) == pytest.approx(1)
    assert made.index(max(made)) in [place for place, value in enumerate(values) if value >= max(values) - 1e-9]


@given(st.lists(SMALL, max_size=10))
def test_norms_are_those_of_the_definition(values: list[float]) -> None:
    assert numbers.norm(values) == pytest.approx(math.sqrt(sum(value * value for value in values)))
    assert numbers.norm(values, 1) == pytest.approx(sum(map(abs, values)))
    assert numbers.norm(values, "max") == max(map(abs, values), default=0)


LATITUDE, LONGITUDE = st.floats(-90, 90), st.floats(-180, 180)


@given(LATITUDE, LONGITUDE, LATITUDE, LONGITUDE)
def test_a_distance_is_that_of_the_chord_through_the_sphere(a: float, b: float, c: float, d: float) -> None:
    def point(latitude: float, longitude: float) -> tuple[float, float, float]:
        up, across = math.radians(latitude), math.radians(longitude)
        return math.cos(up) * math.cos(across), math.cos(up) * math.sin(across), math.sin(up)

    chord = math.dist(point(a, b), point(c, d))
    expected = 2 * numbers.EARTH_KM * math.asin(min(1.0, chord / 2))
    assert numbers.distance(a, b, c, d) == pytest.approx(expected, rel=1e-6, abs=1e-3)


HUGE = st.integers(310, 400).map(lambda digits: 10**digits)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.sampled_from(numbers.OPERATORS), st.lists(st.one_of(HUGE, FINITE), min_size=4, max_size=4), st.data())
def test_numbers_of_any_size_give_a_finite_number_or_an_error(record: Any, values: list[Any], data: Any) -> None:
    count = data.draw(st.integers(record.least, record.most or 4))
    for given_ in (values[:count], [values] * count):
        with_value = outcome(record.function, *given_)
        assert not isinstance(with_value, float) or math.isfinite(with_value)


def test_a_sum_that_is_too_large_is_an_error_of_the_rule() -> None:
    for sum_of in (lambda: numbers.norm([1e308, 1e308], 1), lambda: numbers.dot([1e308, 1e308], [1, 1])):
        with pytest.raises(LogicError, match="too large"):
            sum_of()


def test_a_text_that_is_almost_a_number_costs_no_more_than_its_length() -> None:
    def add(digits: int) -> None:
        for _ in range(200):
            assert outcome(numbers.add, "1" * digits + "x") is None

    assert growth(add, 49) < LINEAR
