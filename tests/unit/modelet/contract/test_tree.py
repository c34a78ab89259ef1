"""Nested contracts: which are plain, and that it makes no difference who writes them."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any

import pytest
from annotated_types import Ge, Len
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AllowInfNan, BaseModel, TypeAdapter
from typing_extensions import TypedDict

from modelet.contract.schema import compact, tighten, to_json
from modelet.contract.tree import is_plain_tree


class Flat(TypedDict):
    number: Annotated[float, Ge(0)]
    maybe: int | None


class Model(BaseModel):
    x: float


def core(kind: Any) -> dict[str, Any]:
    return tighten(dict(TypeAdapter(kind).core_schema), returned=True)


def record(kind: Any) -> dict[str, Any]:
    """The core schema of an object with a member of the type."""
    typed_dict: Any = TypedDict
    return core(typed_dict("Record", {"inner": kind, "label": str}))


@pytest.mark.parametrize(
    "kind",
    [float, list[float], list[list[int]], Flat, list[Flat], Annotated[list[float], Len(2, 2)]],
    ids=str,
)
def test_objects_and_lists_of_finite_scalars_are_plain_trees(kind: Any) -> None:
    assert is_plain_tree(core(kind))
    assert is_plain_tree(record(kind))


@pytest.mark.parametrize(
    "kind",
    [Any, date, list[date], Model, dict[str, float], list[Any], Annotated[float, AllowInfNan(True)], list, set[int]],
    ids=str,
)
def test_what_has_another_form_in_json_or_may_be_nan_is_no_plain_tree(kind: Any) -> None:
    assert not is_plain_tree(core(kind))
    assert not is_plain_tree(record(kind))


TREES = st.recursive(
    st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(trees=st.lists(TREES, min_size=1, max_size=4))
def test_plain_trees_are_written_alike_by_python_and_by_pydantic_core(trees: list[Any]) -> None:
    try:
        compact(trees).encode()
    except UnicodeEncodeError:
        return
    assert json.loads(compact(trees)) == json.loads(to_json(trees))
