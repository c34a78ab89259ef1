"""The names under which an instance's fields may be sent: other columns of an input are left out by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from annotated_types import Len
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, RootModel, TypeAdapter, model_validator
from typing_extensions import TypedDict

from modelet.contract.contract import Contract
from modelet.contract.names import field_names
from modelet.contract.schema import tighten


class Row(TypedDict):
    a: int
    b: str


class Open(TypedDict):
    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
    a: int


class Careless(TypedDict):
    __pydantic_config__ = ConfigDict(extra="ignore")  # type: ignore[misc]
    a: int


class Aliased(BaseModel):
    a: int = Field(alias="an a")
    b: int = Field(validation_alias=AliasChoices("second", AliasPath("both", 1)))
    c: int = Field(validation_alias=AliasPath("third", 0))


class OpenModel(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int


class CarelessModel(BaseModel):
    model_config = ConfigDict(extra="ignore")
    a: int


class Checked(BaseModel):
    a: int

    @model_validator(mode="after")
    def check(self) -> Checked:
        return self


class Tree(BaseModel):
    a: int
    child: Tree | None = None


@dataclass
class Plain:
    a: int
    b: int = 1


def names(kind: Any) -> set[str] | None:
    core = tighten(dict(TypeAdapter(kind).core_schema))
    found = field_names(core)
    assert Contract(core, core).field_names == found
    return None if found is None else set(found)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Row, "a, b"),
        (Row | None, "a, b"),
        (Annotated[Row, Len(1)], "a, b"),
        (RootModel[Row], "a, b"),
        (Plain, "a, b"),
        (Checked, "a"),
        (Tree, "a, child"),
        (Careless, "a"),
        (CarelessModel, "a"),
        (Aliased, "a, an a, b, second, both, c, third"),
    ],
    ids=str,
)
def test_the_fields_of_an_object_are_known_with_their_aliases(kind: Any, expected: str) -> None:
    assert names(kind) == set(expected.split(", "))


@pytest.mark.parametrize("kind", [Open, OpenModel, float, str, list[Row], dict[str, float], Row | Plain, Any], ids=str)
def test_what_takes_further_fields_or_has_none_is_sent_whole(kind: Any) -> None:
    assert names(kind) is None
