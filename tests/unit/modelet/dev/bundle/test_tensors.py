"""The tensors that stand for a contract."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Literal, NotRequired

import pytest
from annotated_types import Len
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from modelet.dev.bundle.tensors import tensors

typed_dict: Any = TypedDict  # as a plain callable: types made of parameters are beyond a type checker


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    x: float
    y: float


class Node(TypedDict):
    value: float
    next: NotRequired[Node]


def of(instance: Any, prediction: Any = float) -> dict[str, Any]:
    return tensors(
        TypeAdapter(instance).json_schema(mode="validation"), TypeAdapter(prediction).json_schema(mode="serialization")
    )


def field(kind: Any, *, answered: bool = False) -> Any:
    """The one tensor of an object with one field, or None where it is not told by fields."""
    made = typed_dict("Made", {"field": kind})
    found = of(float, made) if answered else of(made)
    side = "outputs" if answered else "inputs"
    return {key: value for key, value in found[side][0].items() if key != "name"} if found["fields"][side] else None


NULLABLE_ENUM = Literal["a", None]  # noqa: PYI061 - pydantic makes an enum of it, and a union of the other form
JSON_TEXTS = {"datatype": "BYTES", "shape": [-1], "parameters": {"content_type": "json"}}


def test_an_object_of_scalars_is_a_tensor_for_each_field_in_their_order() -> None:
    class Instance(TypedDict):
        area: float
        count: int
        smooth: bool
        note: str

    assert of(Instance)["inputs"] == [
        {"name": "area", "datatype": "FP64", "shape": [-1]},
        {"name": "count", "datatype": "INT64", "shape": [-1]},
        {"name": "smooth", "datatype": "BOOL", "shape": [-1]},
        {"name": "note", "datatype": "BYTES", "shape": [-1]},
    ]


@pytest.mark.parametrize(
    ("kind", "datatype"),
    [
        (Literal["a", "b"], "BYTES"),
        (Literal["a"], "BYTES"),
        (Literal[1, 2], "INT64"),
        (Literal[True], "BOOL"),
        (Colour, "BYTES"),
        (Annotated[float, Field(ge=0, le=1)], "FP64"),
        (int | float, "FP64"),
    ],
    ids=str,
)
def test_a_scalar_s_datatype_is_that_of_all_its_values(kind: Any, datatype: str) -> None:
    assert field(kind) == {"datatype": datatype, "shape": [-1]}
    assert field(kind, answered=True) == {"datatype": datatype, "shape": [-1]}


def test_a_field_with_a_default_is_an_optional_input() -> None:
    class Instance(BaseModel):
        area: float
        count: int = 1

    assert of(Instance)["inputs"][1] == {
        "name": "count",
        "datatype": "INT64",
        "shape": [-1],
        "parameters": {"optional": True},
    }


@pytest.mark.parametrize("kind", [float | None, NULLABLE_ENUM, int | None, bool | None])
def test_a_nullable_field_may_have_null_elements(kind: Any) -> None:
    assert field(kind)["parameters"] == {"nullable": True}


def test_a_nullable_field_that_may_be_left_out_is_both() -> None:
    assert field(NotRequired[float | None]) == {
        "datatype": "FP64",
        "shape": [-1],
        "parameters": {"optional": True, "nullable": True},
    }


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (list[float], {"datatype": "FP64", "shape": [-1, -1]}),
        (Annotated[list[int], Len(3, 3)], {"datatype": "INT64", "shape": [-1, 3]}),
        (Annotated[list[int], Len(1, 3)], {"datatype": "INT64", "shape": [-1, -1]}),
        (tuple[float, int], {"datatype": "FP64", "shape": [-1, 2]}),
        (tuple[str, ...], {"datatype": "BYTES", "shape": [-1, -1]}),
        (list[float | None], {"datatype": "FP64", "shape": [-1, -1], "parameters": {"nullable": True}}),
    ],
    ids=str,
)
def test_a_list_of_scalars_is_a_tensor_with_a_row_for_each_instance(kind: Any, expected: dict[str, Any]) -> None:
    assert field(kind) == expected
    assert field(kind, answered=True) == expected


def test_a_list_that_may_be_null_is_an_input_only_where_it_may_be_left_out() -> None:
    assert field(list[float] | None) is None
    assert field(NotRequired[list[float] | None]) == {
        "datatype": "FP64",
        "shape": [-1, -1],
        "parameters": {"optional": True},
    }
    assert field(list[float] | None, answered=True) is None


@pytest.mark.parametrize(
    "kind",
    [
        Point,
        list[Point],
        list[list[float]],
        dict[str, float],
        tuple[float, str],
        float | str,
        Literal[1, "a"],
        Any,
        None,
    ],
    ids=str,
)
def test_one_field_that_fits_no_tensor_makes_every_instance_a_json_text(kind: Any) -> None:
    made = typed_dict("Made", {"plain": float, "field": kind})
    assert of(made) == {
        "inputs": [{"name": "instances", **JSON_TEXTS}],
        "outputs": [{"name": "predictions", "datatype": "FP64", "shape": [-1]}],
        "fields": {"inputs": False, "outputs": False},
    }


@pytest.mark.parametrize("kind", [Point | Colour, dict[str, float], Node, Any, list[Point]], ids=str)
def test_what_is_neither_an_object_of_scalars_nor_a_scalar_is_a_json_text(kind: Any) -> None:
    assert of(kind, kind) == {
        "inputs": [{"name": "instances", **JSON_TEXTS}],
        "outputs": [{"name": "predictions", **JSON_TEXTS}],
        "fields": {"inputs": False, "outputs": False},
    }


def test_a_bare_scalar_or_list_is_one_tensor() -> None:
    found = of(Annotated[list[float], Len(4, 4)], str)
    assert found["inputs"] == [{"name": "instances", "datatype": "FP64", "shape": [-1, 4]}]
    assert found["outputs"] == [{"name": "predictions", "datatype": "BYTES", "shape": [-1]}]
    assert found["fields"] == {"inputs": False, "outputs": False}


def test_an_answer_that_may_lack_a_field_is_a_json_text() -> None:
    assert field(NotRequired[float], answered=True) is None


def test_an_answer_may_have_null_numbers_but_not_null_booleans() -> None:
    """numpy reads null among booleans as false, and says nothing."""
    assert field(float | None, answered=True) == {
        "datatype": "FP64",
        "shape": [-1],
        "parameters": {"nullable": True},
    }
    assert field(bool | None, answered=True) is None
    assert field(list[bool | None], answered=True) is None


def test_an_object_that_takes_any_other_field_is_a_json_text() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        area: float

    assert of(Open)["fields"]["inputs"] is False


def test_definitions_are_followed() -> None:
    class Measured(BaseModel):
        colour: Colour
        other: Colour | None = None
        colours: list[Colour]

    assert [each["datatype"] for each in of(Measured)["inputs"]] == ["BYTES", "BYTES", "BYTES"]


def test_a_reference_to_nowhere_or_to_itself_is_no_tensor() -> None:
    loop = {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}
    assert tensors(loop, {"$ref": "#/$defs/B"})["inputs"] == [{"name": "instances", **JSON_TEXTS}]
