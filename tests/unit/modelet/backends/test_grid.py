"""Many values at once: judged as each would be alone, named up to a hundred, and all of their rows known."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelet.backends import table
from modelet.backends.cell import UnfitError, beyond, of_column, of_type
from modelet.backends.grid import unfit
from modelet.errors import ContractError
from modelet.store.manifest import Column

NUMBERS = [
    *(0, 1, -1, 7, 0.5, -0.0, 2**24 + 1, 2.0**24 + 1, 2**25 + 1, 2**53, 2**53 + 1, 2.0**53, 2**63 - 1, 2**63, 2.0**63),
    *(
        -(2**63),
        -(2**63) - 1,
        -(2.0**63),
        2**64 - 1,
        2.0**64,
        1e39,
        -1e39,
        3.4028235677973362e38,
        3.4028235677973366e38,
    ),
    *(1e-60, 0.1, 1 + 1e-12, 1e308, 10**400, -(10**400), float("inf"), float("-inf"), float("nan"), True, False, None),
]
OTHERS = ["x", "1", Decimal("1.5"), Decimal(7), Fraction(1, 3), np.float32(0.1), np.int64(3), b"x", [1.0], (1, "x")]
VALUES = st.sampled_from(NUMBERS) | st.floats() | st.integers() | st.sampled_from(OTHERS)
ENDS = st.none() | st.sampled_from([-5, 0, 0.1, 2**24, 2**53 + 1, 1e30])
COLUMNS = st.none() | st.builds(
    Column,
    st.just("x"),
    st.sampled_from(["number", "integer", "boolean", "string"]),
    nullable=st.booleans(),
    categories=st.sampled_from([None, (0, 1, 7), (0.1, 2**53 + 1), ("x", "y")]),
    minimum=ENDS,
    maximum=ENDS,
)


def is_refused(value: Any, column: Column | None, dtype: Any) -> bool:
    try:
        of_column(value, column) if dtype is None else of_type(value, column, dtype)
    except UnfitError:
        return True
    return False


@settings(max_examples=500)
@given(
    values=st.lists(VALUES, min_size=1, max_size=6),
    column=COLUMNS,
    dtype=st.sampled_from([np.float32, np.float64, np.int64, np.int32, str, None]),
)
@example(values=[2**53 + 1, 0.5, None], column=Column("x", "integer", nullable=True), dtype=np.float32)
@example(values=[-(2.0**63), 2.0**63], column=Column("x", "integer"), dtype=np.int64)
def test_values_together_are_judged_as_each_alone(values: list[Any], column: Column | None, dtype: Any) -> None:
    assert unfit(values, column, dtype).tolist() == [is_refused(value, column, dtype) for value in values]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_number_is_beyond_a_type_where_numpy_makes_it_infinite(dtype: Any) -> None:
    below, above = beyond(dtype)
    with np.errstate(over="ignore"):
        for end in (below, above):
            assert np.isinf(dtype(end))
            assert np.isfinite(dtype(np.nextafter(end, 0)))


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8])
def test_a_whole_number_is_beyond_a_type_that_cannot_hold_it(dtype: Any) -> None:
    below, above = beyond(dtype)
    assert (below + 1, above - 1) == (np.iinfo(dtype).min, np.iinfo(dtype).max)


def refusal(make: Callable[[], Any]) -> ContractError:
    with pytest.raises(ContractError) as caught:
        make()
    return caught.value


def test_a_hundred_violations_are_listed_all_are_counted_and_all_of_their_rows_are_named() -> None:
    rows = [(1.0, 1e39 if row % 2 else 1.0) for row in range(1_000)]
    error = refusal(lambda: table.matrix(rows, ("a", "b")))
    assert [(one.instance, one.field) for one in error.violations] == [(row, "b") for row in range(1, 201, 2)]
    assert error.count == 500
    assert error.rows == set(range(1, 1_000, 2))


def calls(make: Callable[[], Any]) -> int:
    """How many functions of Python are called until rows are refused."""
    found = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal found
        found += event == "call"

    sys.setprofile(count)
    try:
        make()
    except ContractError:
        return found
    finally:
        sys.setprofile(None)
    raise AssertionError("nothing was refused")


@pytest.mark.parametrize(
    ("columns", "dtype", "value"),
    [
        ([], np.float32, 1e39),
        ([], np.float32, float("inf")),
        ([], np.float64, 10**400),
        ([Column("x", "integer", nullable=True)], np.float32, 0.5),
        ([Column("x", "integer")], np.int64, None),
        ([Column("x", "number", maximum=1)], np.float32, 2),
        ([Column("x", "number", categories=(0, 1))], np.float32, 2),
        ([Column("x", "string")], str, None),
        ([Column("x", "string", categories=("a",))], str, "b"),
        ([Column("x", "number", minimum=0)], object, -1.0),
    ],
)
def test_only_what_is_listed_is_looked_at_alone(columns: list[Column], dtype: Any, value: Any) -> None:
    def refused(count: int) -> int:
        rows: list[Any] = [(value,)] * count
        return calls(
            (lambda: table.Packer(("x",), str, columns).pack(rows))
            if dtype is str
            else (lambda: table.matrix(rows, ("x",), dtype, columns))
        )

    few, many = refused(1_000), refused(5_000)
    # Five for each row: cells, and what tells a whole number that is too large for numpy.
    assert many - few <= (20 if value == 10**400 else 5) * 4_000
