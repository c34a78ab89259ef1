from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch.inputs.values import can_be_key, is_nested, is_readable, values_of

DAY = datetime.date(2026, 11, 20)
NOON = datetime.datetime(2026, 11, 20, 12, 0, 0, 5)
LIST = pa.list_(pa.int8())
CASES: list[tuple[Any, list[Any], list[Any]]] = [
    (pa.int8(), [1, None, -2], [1, None, -2]),
    (pa.uint64(), [2**64 - 1], [2**64 - 1]),
    (pa.int64(), [2**63 - 1, None], [2**63 - 1, None]),
    (pa.float32(), [0.1, None], [float(np.float32(0.1)), None]),
    (pa.float64(), [0.1, 1e300], [0.1, 1e300]),
    (pa.float16(), [np.float16(0.5)], [0.5]),
    (pa.bool_(), [True, None], [True, None]),
    (pa.string(), ["", "ä", None], ["", "ä", None]),
    (pa.large_string(), ["x"], ["x"]),
    (pa.null(), [None], [None]),
    (pa.decimal128(10, 2), [Decimal("12.30"), None], [12.3, None]),
    (pa.decimal128(20, 0), [Decimal(12345678901234567890)], [12345678901234567890]),
    (pa.date32(), [DAY, None], ["2026-11-20", None]),
    (pa.time64("us"), [datetime.time(1, 2, 3)], ["01:02:03"]),
    (pa.timestamp("us"), [NOON, None], ["2026-11-20T12:00:00.000005", None]),
    (pa.timestamp("ns"), [NOON, None], ["2026-11-20T12:00:00.000005", None]),
    (pa.timestamp("ns"), [1, None], ["1970-01-01T00:00:00.000000001", None]),
    (pa.timestamp("s", "Europe/Berlin"), [0], ["1970-01-01T00:00:00+00:00"]),
    (LIST, [[1, None], None, []], [[1, None], None, []]),
    (
        pa.struct([("day", pa.date32()), ("more", LIST)]),
        [{"day": DAY, "more": [1]}],
        [{"day": "2026-11-20", "more": [1]}],
    ),
    (pa.map_(pa.string(), pa.decimal128(4, 1)), [[("a", Decimal("1.5"))]], [{"a": 1.5}]),
]


@pytest.mark.parametrize(("kind", "given", "expected"), CASES, ids=[str(case[0]) for case in CASES])
def test_values_become_json(kind: Any, given: list[Any], expected: list[Any]) -> None:
    array = pa.array(given, kind)
    assert is_readable(kind)
    assert values_of(array) == expected
    assert values_of(pa.concat_arrays([array, array]).slice(len(given))) == expected
    assert [type(value) for value in values_of(array)] == [type(value) for value in expected]


def test_a_dictionary_is_its_values() -> None:
    array = pa.array(["a", None, "a"]).dictionary_encode()
    assert values_of(array) == ["a", None, "a"]
    assert can_be_key(array.type)


def test_nan_stays_nan_and_is_not_null() -> None:
    assert str(values_of(pa.array([float("nan"), None, float("inf")]))) == "[nan, None, inf]"


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_whole_numbers_stay_exact_among_nulls(values: list[int | None]) -> None:
    assert values_of(pa.array(values, pa.int64())) == values


@pytest.mark.parametrize("kind", [pa.binary(), pa.duration("s"), pa.list_(pa.binary()), pa.map_(pa.int8(), pa.int8())])
def test_what_has_no_json_form_is_not_readable(kind: Any) -> None:
    assert not is_readable(kind)


@pytest.mark.parametrize("kind", [pa.float64(), pa.bool_(), pa.decimal128(5, 2), pa.timestamp("s"), LIST])
def test_what_has_no_one_text_is_no_key(kind: Any) -> None:
    assert not can_be_key(kind)


def test_lists_and_objects_are_nested() -> None:
    assert [is_nested(kind) for kind in (LIST, pa.struct([]), pa.map_(pa.string(), pa.int8()), pa.string())] == [
        True,
        True,
        True,
        False,
    ]
