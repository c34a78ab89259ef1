"""Shapes say what is certain of the values of a type, and no more."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

import pytest
from annotated_types import Ge
from typing_extensions import TypedDict

from modelet.dev.bundle.logic.shape import ANY, Shape, common, of_schema, of_value
from modelet.dev.bundle.schema import json_schema


class Inner(TypedDict):
    name: str


class Row(TypedDict):
    count: Annotated[int, Ge(0)]
    label: Literal["a", "b"]
    size: NotRequired[float | None]
    inner: list[Inner]
    mixed: int | str
    whole: Any
    open: dict[str, int]


def test_the_shape_of_a_type_is_that_of_its_json_schema() -> None:
    made = of_schema(json_schema(Row, "validation"))
    assert made.fields == {
        "count": Shape("number"),
        "label": Shape("text"),
        "size": Shape("number", nullable=True),
        "inner": Shape("list", None, Shape("object", {"name": Shape("text")})),
        "mixed": ANY,
        "whole": ANY,
        "open": Shape("object"),
    }


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([Shape("number"), Shape("number")], Shape("number")),
        ([Shape("number"), Shape("null")], Shape("number", nullable=True)),
        ([Shape("number"), Shape("text")], ANY),
        ([Shape("null"), Shape("null")], Shape("null")),
        ([Shape("object", {"a": ANY}), Shape("object", {"b": ANY})], Shape("object")),
    ],
)
def test_what_two_values_have_in_common_is_certain(shapes: list[Shape], expected: Shape) -> None:
    assert common(shapes) == expected


def test_a_constant_has_its_own_shape() -> None:
    assert of_value({"a": [1]}) == Shape("object", {"a": Shape("list")})
