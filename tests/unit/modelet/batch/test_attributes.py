"""Attributes of DynamoDB as Python values."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch.attributes import from_attribute, from_item, to_attribute, to_item

SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(-1e100, 1e100)
VALUES = st.recursive(SCALARS, lambda each: st.lists(each) | st.dictionaries(st.text(), each), max_leaves=20)


@given(VALUES)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert from_attribute(to_attribute(value)) == value


@given(st.dictionaries(st.text(), VALUES))
def test_an_item_leaves_out_what_is_none(values: dict[str, Any]) -> None:
    assert from_item(to_item(values)) == {name: value for name, value in values.items() if value is not None}


def test_a_flag_is_no_number() -> None:
    assert to_attribute(True) == {"BOOL": True}
    assert from_attribute({"N": "-3"}) == -3
    assert isinstance(from_attribute({"N": "-3"}), int)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="DynamoDB has no number"):
        to_attribute([value])


def test_a_type_without_a_form_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="set"):
        to_attribute({1})
    with pytest.raises(TypeError, match="NS"):
        from_attribute({"NS": ["1"]})
