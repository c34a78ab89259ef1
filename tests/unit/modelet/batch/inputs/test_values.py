from __future__ import annotations

import datetime
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch.inputs.values import can_be_key, is_nested, is_readable, values_and_reasons, values_of

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
    (pa.time64("ns"), [datetime.time(1, 2, 3, 4), None], ["01:02:03.000004", None]),
    (pa.time64("ns"), [1, None], ["00:00:00.000000001", None]),
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
    (pa.list_(pa.int8(), 2), [[1, 2], None, [3, None]], [[1, 2], None, [3, None]]),
    (pa.list_(pa.time64("ns")), [[1], None], [["00:00:00.000000001"], None]),
    (pa.list_(pa.timestamp("ns", "Europe/Berlin")), [[1]], [["1970-01-01T00:00:00.000000001Z"]]),
    (pa.struct([("x", pa.int8())]), [{"x": 1}, None, {"x": None}], [{"x": 1}, None, {"x": None}]),
    (pa.struct([]), [{}, None], [{}, None]),
    (pa.map_(pa.string(), pa.decimal128(4, 1)), [[("a", Decimal("1.5"))], None, []], [{"a": 1.5}, None, {}]),
    (pa.map_(pa.string(), pa.int8()), [[("a", 1), ("b", 2), ("a", 3)]], [{"a": 3, "b": 2}]),
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


def as_texts(*values: bytes) -> Any:
    """Texts whose bytes nobody checked, as a reader of Parquet gets them."""
    return pa.Array.from_buffers(pa.string(), len(values), pa.array(values, pa.binary()).buffers())


def as_kind(kind: Any, *values: int) -> Any:
    return pa.array(values, pa.int32() if kind.bit_width == 32 else pa.int64()).cast(kind)


@pytest.mark.parametrize(
    ("array", "good", "reason"),
    [
        (as_texts(b"\xff", b"o"), "o", "is not UTF-8"),
        (as_texts(b"\xff", b"o").dictionary_encode(), "o", "is not UTF-8"),
        (as_kind(pa.date32(), 2**28, 1), "1970-01-02", "date value out of range"),
        (as_kind(pa.date32(), 2**30, 1), "1970-01-02", "days=1073741824"),
        (as_kind(pa.date64(), 2**62, 0), "1970-01-01", "too large"),
        (as_kind(pa.timestamp("us"), 2**62, 0), "1970-01-01T00:00:00", "out of range"),
        (as_kind(pa.timestamp("s", "UTC"), -(2**62), 0), "1970-01-01T00:00:00+00:00", "out of range|too large"),
        (as_kind(pa.time32("s"), 86_400, 1), "00:00:01", "not a time of a day"),
        (as_kind(pa.time64("us"), -5, 0), "00:00:00", "not a time of a day"),
        (as_kind(pa.time64("ns"), 10**15, 1), "00:00:00.000000001", "not a time of a day"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
def test_a_value_that_cannot_be_read_is_named_alone(array: Any, good: Any, reason: str) -> None:
    listed = pa.ListArray.from_arrays([0, 1, 2], array)
    named = pa.StructArray.from_arrays([array], ["x"])
    for each, expected in ((array, good), (listed, [good]), (named, {"x": good})):
        values, reasons = values_and_reasons(each)
        assert values == [None, expected]
        assert reasons.keys() == {0}
        assert re.search(rf"{reason}.*: write", reasons[0])


def test_readable_values_have_no_reasons() -> None:
    assert values_and_reasons(pa.array([1, None])) == ([1, None], {})


TWICE = pa.struct([("x", pa.int8()), ("x", pa.int8())])


@pytest.mark.parametrize(
    "kind",
    [pa.binary(), pa.duration("s"), pa.list_(pa.binary()), pa.map_(pa.int8(), pa.int8()), TWICE, pa.list_(TWICE)],
)
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
