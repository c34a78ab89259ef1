"""The OpenAPI document of contracts that are hard to describe."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Any, Literal, NotRequired

import pytest
from annotated_types import Len
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from typing_extensions import TypedDict

from modelet.contract.contract import Contract
from modelet.contract.schema import tighten
from modelet.dev.bundle.openapi import openapi
from modelet.dev.bundle.schema import json_schema
from modelet.errors import ContractError

typed_dict: Any = TypedDict
listed: Any = list
"""As plain values: a class has no field called $ref, and types made of values are beyond a type checker."""


def document(instance: Any, prediction: Any = float) -> dict[str, Any]:
    """The document of a contract, which is valid OpenAPI with references that all lead somewhere."""
    text = openapi("m", "1", json_schema(instance, "validation"), json_schema(prediction, "serialization"))
    made: dict[str, Any] = json.loads(text)
    validate(made)
    names = set(made["components"]["schemas"])
    assert {target.rpartition("/")[2] for target in references(made)} <= names
    return made


def references(node: Any) -> list[str]:
    """What looks like a reference, but for a field's own schema under the name $ref."""
    if isinstance(node, list):
        return [found for child in node for found in references(child)]
    if not isinstance(node, dict):
        return [node] if isinstance(node, str) and node.startswith("#/") else []
    return [found for child in node.values() for found in references(child)]


def agrees(made: dict[str, Any], kind: Any, value: Any, side: str = "Instance") -> bool:
    """Whether a value fits the schema of one side; the server says the same."""
    schema = {"$ref": f"#/components/schemas/{side}", "components": made["components"]}
    fits = bool(Draft202012Validator(schema).is_valid(value))
    contract = Contract(tighten(dict(TypeAdapter(kind).core_schema)), {"type": "float"})
    try:
        contract.check_rows([value]).require_all()
        served = True
    except ContractError:
        served = False
    assert fits == served, f"the document says {fits} to {value}, the server {served}"
    return fits


class Leaf(TypedDict):
    kind: Literal["leaf"]
    value: float


class Branch(TypedDict):
    kind: Literal["branch"]
    children: list[Node]


Node = Annotated[Leaf | Branch, Field(discriminator="kind")]


def test_recursive_unions_with_a_discriminator_lead_to_their_components() -> None:
    made = document(Branch, Leaf)
    leaf = {"kind": "leaf", "value": 1.5}
    assert agrees(made, Branch, {"kind": "branch", "children": [leaf, {"kind": "branch", "children": [leaf]}]})
    assert not agrees(made, Branch, {"kind": "branch", "children": [{"kind": "root"}]})
    assert not agrees(made, Branch, {"kind": "branch", "children": [{**leaf, "more": 1}]})
    [union] = [
        part["properties"]["children"]["items"]
        for part in made["components"]["schemas"].values()
        if "children" in part.get("properties", {})
    ]
    assert union["discriminator"]["mapping"] == {
        "leaf": "#/components/schemas/Instance.Leaf",
        "branch": "#/components/schemas/Instance.Branch",
    }


def test_classes_with_the_document_s_own_names_are_no_references_to_themselves() -> None:
    class Prediction(BaseModel):
        value: float

    class Problem(TypedDict):
        what: str
        before: NotRequired[Prediction]

    class Instance(BaseModel):
        problem: Problem
        next: Instance | None = None

    made = document(Instance, Prediction)
    assert agrees(made, Instance, {"problem": {"what": "x"}, "next": {"problem": {"what": "y"}}})
    assert not agrees(made, Instance, {"problem": {"title": "x"}})
    assert set(made["components"]["schemas"]) == {
        "Instance",
        "Instance.Instance",
        "Instance.Prediction",
        "Instance.Problem",
        "Prediction",
        "Problem",
    }
    assert made["components"]["schemas"]["Problem"]["required"] == ["type", "title", "status", "detail"]


def test_two_classes_of_one_name_keep_their_own_fields() -> None:
    def asked() -> Any:
        class Part(TypedDict):
            size: float

        return Part

    def answered() -> Any:
        class Part(TypedDict):
            weight: int

        return Part

    instance = typed_dict("Asked", {"part": asked(), "parts": listed[asked()]})
    prediction = typed_dict("Answered", {"part": answered()})
    made = document(instance, listed[prediction])
    assert agrees(made, instance, {"part": {"size": 1.0}, "parts": []})
    schemas = made["components"]["schemas"]
    assert list(schemas["Prediction.Part"]["properties"]) == ["weight"]


def test_fields_with_the_names_of_keywords_are_fields() -> None:
    part = typed_dict("Part", {"$ref": float, "$defs": str, "properties": int, "mapping": dict[str, float]})
    words = typed_dict("Words", {"$ref": part, "discriminator": part, "items": listed[part], "enum": str})
    made = document(words, words)
    one = {"$ref": 1.5, "$defs": "#/$defs/Part", "properties": 2, "mapping": {"$ref": 1.0}}
    assert agrees(made, words, {"$ref": one, "discriminator": one, "items": [one], "enum": "x"})
    assert not agrees(made, words, {"$ref": "#/$defs/Part", "discriminator": one, "items": [one], "enum": "x"})
    assert made["components"]["schemas"]["Instance"]["properties"]["$ref"] == {
        "$ref": "#/components/schemas/Instance.Part"
    }


def test_values_that_look_like_references_stay_as_they_are() -> None:
    class Instance(BaseModel):
        path: str = "#/$defs/Instance"
        kind: Literal["#/$defs/Instance", "x"] = "x"
        note: Annotated[dict[str, str], Field(examples=[{"$ref": "#/$defs/Instance"}])] = {}

    text = openapi("m", "1", json_schema(Instance, "validation"), {"type": "number"})
    properties = json.loads(text)["components"]["schemas"]["Instance"]["properties"]
    assert properties["path"]["default"] == "#/$defs/Instance"
    assert properties["kind"]["enum"] == ["#/$defs/Instance", "x"]
    assert properties["note"]["examples"] == [{"$ref": "#/$defs/Instance"}]


def test_tuples_maps_and_options_are_followed() -> None:
    shape = typed_dict("Shape", {"pair": tuple[Leaf, Leaf], "by_name": dict[str, Leaf], "maybe": Leaf | None})
    made = document(shape, dict[str, Leaf])
    leaf = {"kind": "leaf", "value": 2.0}
    assert agrees(made, shape, {"pair": [leaf, leaf], "by_name": {"a": leaf}, "maybe": None})
    assert not agrees(made, shape, {"pair": [leaf], "by_name": {"a": leaf}, "maybe": None})
    assert not agrees(made, shape, {"pair": [leaf, leaf], "by_name": {"a": {}}, "maybe": None})


class OpenModel(BaseModel):
    model_config = ConfigDict(extra="allow")
    x: float


class IgnoringModel(BaseModel):
    model_config = ConfigDict(extra="ignore")
    x: float


class PlainModel(BaseModel):
    x: float


class ForbiddingModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    x: float


class ForbiddingDict(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc] # pydantic's own way
    x: float


class IgnoringDict(TypedDict):
    __pydantic_config__ = ConfigDict(extra="ignore")  # type: ignore[misc] # the same
    x: float


class Inside(TypedDict):
    x: float


@dataclasses.dataclass
class Data:
    x: float


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (OpenModel, True),
        (IgnoringModel, True),
        (PlainModel, False),
        (ForbiddingModel, False),
        (ForbiddingDict, False),
        (IgnoringDict, True),
        (Inside, False),
        (Data, False),
    ],
)
def test_the_document_refuses_unknown_fields_where_the_server_does(kind: Any, *, more: bool) -> None:
    made = document(kind)
    assert agrees(made, kind, {"x": 1.0})
    assert agrees(made, kind, {"x": 1.0, "y": 2}) is more
    around = typed_dict("Around", {"inside": kind})
    assert agrees(document(around), around, {"inside": {"x": 1.0, "y": 2}}) is more


def test_names_that_the_schema_does_not_show_leave_an_object_open() -> None:
    class Choices(BaseModel):
        x: float = Field(validation_alias=AliasChoices("ex", "x"))

    class ByName(BaseModel):
        model_config = ConfigDict(populate_by_name=True)
        x: float = Field(alias="ex")

    class Before(BaseModel):
        x: float

        @model_validator(mode="before")
        @classmethod
        def take_old_names(cls, value: Any) -> Any:
            return {"x": value["old"]} if "old" in value else value

    for kind in (Choices, ByName, Before):
        schema = json_schema(kind, "validation")
        assert "additionalProperties" not in schema
        document(kind)

    class Alias(BaseModel):
        x: float = Field(alias="ex")

    assert agrees(document(Alias), Alias, {"ex": 1.0})
    assert not agrees(document(Alias), Alias, {"x": 1.0})


def test_a_prediction_is_described_by_the_names_that_are_sent() -> None:
    class Answer(BaseModel):
        x: float = Field(serialization_alias="value")

    made = document(float, Answer)
    assert list(made["components"]["schemas"]["Prediction"]["properties"]) == ["value"]
    assert made["components"]["schemas"]["Prediction"]["additionalProperties"] is False


def test_the_envelope_takes_instances_and_nothing_beside_them() -> None:
    class Row(TypedDict):
        text: Annotated[str, Len(1, 5)]

    made = document(Row)
    body = made["paths"]["/models/m/infer"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    request = Draft202012Validator({**body, "components": made["components"]})
    assert request.is_valid({"instances": [{"text": "a"}]})
    assert request.is_valid({"text": "a"})
    assert not request.is_valid({"instances": [{"text": "a"}], "parameters": {}})
    assert not request.is_valid({"instances": []})


def test_the_type_s_own_schema_is_left_as_it_was() -> None:
    json_schema(PlainModel, "validation")
    assert "additionalProperties" not in TypeAdapter(PlainModel).json_schema()
    assert TypeAdapter(PlainModel).validate_python({"x": 1, "y": 2}).x == 1
    with pytest.raises(ValidationError):
        TypeAdapter(ForbiddingModel).validate_python({"x": 1, "y": 2})
