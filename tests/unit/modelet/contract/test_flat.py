"""Flat contracts: which are, and what may be concluded from it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import IntEnum
from typing import Annotated, Any, Literal, NotRequired

import pytest
from annotated_types import Ge
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from modelet.contract.flat import are_countable, fields_of, is_plain
from modelet.contract.schema import tighten


class Level(IntEnum):
    LOW = 1


class Flat(TypedDict):
    number: Annotated[float, Ge(0)]
    maybe: int | None
    flag: bool
    kind: Literal["a", 2, True]


class Model(BaseModel):
    x: float


def core(kind: Any, *, returned: bool = False) -> dict[str, Any]:
    return tighten(dict(TypeAdapter(kind).core_schema), returned=returned)


def record(**fields: Any) -> dict[str, Any]:
    """The core schema of a typed dict made from data."""
    typed_dict: Any = TypedDict
    return core(typed_dict("Record", fields))


def test_an_object_of_scalars_is_flat() -> None:
    fields = fields_of(core(Flat))
    assert fields is not None
    assert list(fields) == ["number", "maybe", "flag", "kind"]


@pytest.mark.parametrize(
    "kind",
    [
        date,
        Decimal,
        int | float,
        list[float],
        Flat,
        Model,
        Any,
        Level,
        Literal[Level.LOW],
        Annotated[float, Field(strict=True)],
        Annotated[float, Field(alias="X")],
        NotRequired[Annotated[float, Field(default=1.0)]],
    ],
)
def test_one_field_that_is_more_than_a_scalar_makes_an_object_not_flat(kind: Any) -> None:
    assert fields_of(record(x=float, y=kind)) is None
    assert not is_plain(record(x=float, y=kind))


@pytest.mark.parametrize("kind", [float, list[float], Model, Any])
def test_what_is_no_typed_dict_is_not_flat(kind: Any) -> None:
    assert fields_of(core(kind)) is None


def test_an_object_s_own_config_makes_it_not_flat() -> None:
    @with_config(ConfigDict(str_strip_whitespace=True))
    class Stripped(TypedDict):
        text: str

    assert fields_of(core(Stripped)) is None


@pytest.mark.parametrize(
    ("fields", "countable"),
    [
        ({"x": float, "y": int | None, "kind": Literal["home", "car"]}, True),
        ({"x": float, "text": str}, False),
        ({"x": float, "text": str | None}, False),
        ({"x": float, "kind": Literal["a", "b:c"]}, False),
        ({"x": float, "a:b": float}, False),
        ({"x": float, "y": NotRequired[float]}, False),
    ],
)
def test_colons_tell_of_further_fields_where_all_are_there_and_none_has_one(
    fields: dict[str, Any], countable: bool
) -> None:
    made = record(**fields)
    found = fields_of(made)
    assert found is not None
    assert are_countable(made, found) is countable
    assert not are_countable({**made, "extra_behavior": "ignore"}, found)


@pytest.mark.parametrize(
    ("kind", "plain"),
    [(float, True), (Literal["a"], True), (float | None, True), (Flat, True), (list[float], False), (Model, False)],
)
def test_scalars_and_flat_objects_are_json_as_they_stand(kind: Any, plain: bool) -> None:
    assert is_plain(core(kind, returned=True)) is plain


def test_a_number_that_may_be_nan_is_not() -> None:
    free = Annotated[float, Field(allow_inf_nan=True)]
    assert not is_plain(core(free, returned=True))
    assert not is_plain(core(free | None, returned=True))
