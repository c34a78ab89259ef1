from __future__ import annotations

import dataclasses
import enum
import json
from typing import Annotated, Any, Literal, NotRequired

import pytest
from annotated_types import Ge
from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter, computed_field
from typing_extensions import TypedDict

from modelet.batch.outputs.columns import KINDS, PREDICTION, Column, columns_of
from modelet.contract.schema import tighten
from modelet.errors import RequestError


class Flat(TypedDict):
    label: Literal["no", "yes"]
    probability: Annotated[float, Ge(0)]
    count: NotRequired[int | None]
    sure: bool
    scores: list[float]


class Color(enum.StrEnum):
    RED = "red"


class Classed(BaseModel):
    label: str = "no"
    color: Color = Color.RED
    size: Literal[1, 2] | None = None
    mixed: Literal[1, "a"] = 1


@dataclasses.dataclass
class Data:
    score: float


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    score: float


class Computed(BaseModel):
    score: float

    @computed_field  # type: ignore[prop-decorator] # pydantic's own example
    @property
    def twice(self) -> float:
        return 2 * self.score


class Renamed(BaseModel):
    score: float = Field(serialization_alias="Score")


class Root(RootModel[float]):
    pass


def kinds(kind: Any) -> dict[str, str]:
    core = tighten(dict(TypeAdapter(kind).core_schema), returned=True)
    return {column.name: column.kind for column in columns_of("id", {}, core).prediction}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Flat, {"label": "text", "probability": "number", "count": "integer", "sure": "boolean", "scores": "json"}),
        (Classed, {"label": "text", "color": "text", "size": "integer", "mixed": "json"}),
        (Data, {"score": "number"}),
        *(
            (kind, {PREDICTION: "json"})
            for kind in (Open, Computed, Renamed, Flat | None, list[Flat], dict[str, float])
        ),
        *((kind, {PREDICTION: "number"}) for kind in (float, float | None, Root)),
        (str, {PREDICTION: "text"}),
        (int | str, {PREDICTION: "json"}),
    ],
    ids=str,
)
def test_the_columns_of_a_prediction_come_from_its_contract(kind: Any, expected: dict[str, str]) -> None:
    assert kinds(kind) == expected
    assert set(expected.values()) <= set(KINDS)


def test_a_contract_from_a_bundle_gives_the_same_columns() -> None:
    core = json.loads(json.dumps(tighten(dict(TypeAdapter(Flat).core_schema), returned=True), default=lambda _: None))
    assert [column.name for column in columns_of("id", {}, core).prediction] == list(Flat.__annotations__)


def test_a_contract_that_is_not_known_gives_json_text() -> None:
    assert columns_of("id", {}, None).prediction == (Column(PREDICTION, "json"),)


def test_a_field_with_the_name_of_a_passed_column_gets_another_one() -> None:
    core = dict(TypeAdapter(Flat).core_schema)
    found = columns_of("sure", {"label": "text", "region": "integer"}, core)
    assert found.passed == (Column("label", "text"), Column("region", "integer"))
    assert [column.name for column in found.prediction][:2] == ["prediction.label", "probability"]
    assert found.prediction[3] == Column("prediction.sure", "boolean", "sure")


@pytest.mark.parametrize(("key", "passed"), [("prediction", {}), ("id", {"prediction": "text"}), ("prediction.x", {})])
def test_a_column_with_the_results_own_name_is_refused(key: str, passed: dict[str, str]) -> None:
    with pytest.raises(RequestError, match="rename it in the input"):
        columns_of(key, passed, None)
