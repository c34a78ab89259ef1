"""Predictions with objects and lists inside: Python's encoder writes those that are JSON's own values."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Len
from pydantic import BaseModel, ConfigDict, Field, with_config
from typing_extensions import TypedDict

from modelet.contract.contract import Contract
from modelet.contract.nested import is_json
from modelet.dev.bundle.core_schema import compile_type
from modelet.errors import PredictionError


class Inner(TypedDict):
    a: Annotated[float, Ge(0)]
    kind: Literal["x", "y"]


class Outer(TypedDict):
    text: str
    inner: list[Inner]
    shares: dict[str, float]
    vector: Annotated[list[float], Len(1)]
    maybe: int | None


@with_config(ConfigDict(extra="allow"))
class Loose(TypedDict):
    inner: list[int]


class Aliased(TypedDict):
    inner: Annotated[list[int], Field(alias="other")]


class Model(BaseModel):
    inner: list[int]


def core(kind: Any) -> Any:
    return compile_type(kind, returned=True).core


@pytest.mark.parametrize("kind", [Outer, list[Inner], list[list[int]], dict[str, list[str]], Inner, str])
def test_values_of_json_are_written_by_python(kind: Any) -> None:
    assert is_json(core(kind))


@pytest.mark.parametrize(
    "kind", [Loose, Aliased, list[Any], dict[int, str], list[bytes], list[int | str], tuple[int, ...]]
)
def test_other_values_are_left_to_pydantic(kind: Any) -> None:
    found = core(kind)
    assert found is None or not is_json(found)


GOOD = {"text": "가\u2028", "inner": [{"a": 0.1, "kind": "x"}], "shares": {"b": 1.0}, "vector": [1e-9], "maybe": None}


def test_what_is_written_is_what_was_checked() -> None:
    contract = Contract(core(str), core(Outer))
    checked = contract.check_predictions([GOOD, GOOD], 2)
    assert json.loads(contract.write_predictions(checked)) == [GOOD, GOOD]
    assert contract.plain_predictions(checked) == [GOOD, GOOD]


@pytest.mark.parametrize("wrong", [{"vector": [float("nan")]}, {"shares": {"b": float("inf")}}, {"text": "\ud800"}])
def test_nan_and_half_characters_are_never_written(wrong: dict[str, Any]) -> None:
    contract = Contract(core(str), core(Outer))
    with pytest.raises(PredictionError):
        contract.write_predictions(contract.check_predictions([GOOD | wrong], 1))
