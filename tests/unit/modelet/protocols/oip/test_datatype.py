"""The datatypes of tensor elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.errors import RequestError
from modelet.protocols.oip.datatype import DATATYPES, FLOATS, INTEGERS, ElementError, check, known

DTYPES = {
    **{name: np.dtype(name.lower()) for name in INTEGERS},
    **{name: np.dtype(f"float{name[2:]}") for name in FLOATS},
}


def values(datatype: str) -> st.SearchStrategy[Any]:
    """Every value that a datatype has, as numpy knows it."""
    if datatype == "BOOL":
        return st.booleans()
    if datatype == "BYTES":
        return st.text()
    if datatype in INTEGERS:
        bounds = np.iinfo(DTYPES[datatype])
        return st.integers(int(bounds.min), int(bounds.max))
    return st.floats(allow_nan=False, allow_infinity=False, width=int(datatype[2:]))  # type: ignore[arg-type] # 16, 32 or 64


def index_of(datatype: str, elements: list[Any], *, nullable: bool = False) -> int:
    with pytest.raises(ElementError) as caught:
        check(datatype, elements, nullable=nullable)
    return caught.value.index


def test_the_datatypes_are_those_of_the_specification() -> None:
    sizes = ["8", "16", "32", "64"]
    expected = {"BOOL", "BYTES", "FP16", "FP32", "FP64", *(f"UINT{n}" for n in sizes), *(f"INT{n}" for n in sizes)}
    assert set(DATATYPES) == expected
    assert [known(name) for name in DATATYPES] == list(DATATYPES)


def test_another_datatype_is_refused_with_those_there_are() -> None:
    with pytest.raises(RequestError, match="no datatype 'int8': use BOOL, "):
        known("int8")
    with pytest.raises(RequestError, match="BF16 has no JSON form: send FP32"):
        known("BF16")


@pytest.mark.parametrize("datatype", DATATYPES)
@given(data=st.data())
def test_every_value_of_a_datatype_stays_what_it_is(datatype: str, data: st.DataObject) -> None:
    elements = data.draw(st.lists(values(datatype)))
    checked = check(datatype, elements)
    assert checked == elements
    assert [type(each) for each in checked] == [type(each) for each in elements]


@pytest.mark.parametrize("datatype", INTEGERS)
@given(data=st.data())
def test_an_integer_just_out_of_bounds_is_refused_by_its_index(datatype: str, data: st.DataObject) -> None:
    bounds = np.iinfo(DTYPES[datatype])
    outside = data.draw(st.integers(max_value=int(bounds.min) - 1) | st.integers(min_value=int(bounds.max) + 1))
    assert index_of(datatype, [0, outside, outside]) == 1


@pytest.mark.parametrize("datatype", FLOATS)
@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_refused_exactly_where_its_datatype_would_make_it_infinite(datatype: str, number: float) -> None:
    with np.errstate(over="ignore"):
        fits = math.isfinite(DTYPES[datatype].type(number))
    if fits:
        assert check(datatype, [number]) == [number]
    else:
        assert index_of(datatype, [number]) == 0


@pytest.mark.parametrize(
    ("datatype", "largest"), [("FP16", 65519.99), ("FP32", 3.4028235e38), ("FP64", 1.7976931348623157e308)]
)
def test_the_largest_number_that_rounds_to_a_finite_one_is_accepted(datatype: str, largest: float) -> None:
    assert check(datatype, [largest, -largest]) == [largest, -largest]


@pytest.mark.parametrize("datatype", FLOATS)
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_refused(datatype: str, number: float) -> None:
    assert index_of(datatype, [0.5, number]) == 1


@pytest.mark.parametrize("datatype", FLOATS)
def test_whole_numbers_in_a_floating_tensor_become_floats(datatype: str) -> None:
    assert [type(each) for each in check(datatype, [1, 2.5])] == [float, float]


WRONG: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(INTEGERS, (True, 1.0, 1.5, "1", None, [1], {})),
    **dict.fromkeys(FLOATS, (True, "1", None, [1.0], {}, 10**400)),
    "BOOL": (1, 0, "true", None, [True]),
    "BYTES": (1, True, None, ["a"], {}),
}


@pytest.mark.parametrize(("datatype", "wrong"), [(name, wrong) for name in DATATYPES for wrong in WRONG[name]])
def test_a_value_of_another_type_is_refused_by_its_index(datatype: str, wrong: Any) -> None:
    right = {"BOOL": False, "BYTES": "a"}.get(datatype, 1)
    assert index_of(datatype, [right, right, wrong]) == 2


@pytest.mark.parametrize("datatype", DATATYPES)
def test_null_is_an_element_only_where_a_value_may_be_missing(datatype: str) -> None:
    right = {"BOOL": False, "BYTES": "a"}.get(datatype, 1)
    assert check(datatype, [right, None], nullable=True) == [right, None]
    assert index_of(datatype, [right, None]) == 1
    assert index_of(datatype, [None, []], nullable=True) == 1
