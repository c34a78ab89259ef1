"""A model that doubles x, for batches: what it is to predict is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from annotated_types import Ge
from typing_extensions import TypedDict

from modelet.model import Model
from support.batches import Stage
from support.services import service


class Row(TypedDict):
    x: Annotated[float, Ge(0)]


class Answer(TypedDict):
    double: float


class Doubling(Model[Row, Answer]):
    """Doubles x. before: called with the inputs of each call."""

    before: Callable[[list[Row]], None] | None = None

    def infer(self, inputs: list[Row]) -> list[Answer]:
        if self.before is not None:
            self.before(inputs)
        return [{"double": 2 * row["x"]} for row in inputs]


def doubling_stage(url: str, *, piece: int = 10, **settings: Any) -> Stage:
    """The stage of this model, which scores pieces of so many rows. url: an empty place."""
    return Stage.create(service(Doubling, limits={"max_instances": piece}), url, **settings)


def model_of(stage: Stage) -> Doubling:
    """The model of a stage."""
    found = stage.service.pipeline.model
    assert isinstance(found, Doubling)
    return found


def last_of_each(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What a table must have: for each key, the prediction of its last row that the contract allows."""
    return {row["id"]: {"double": 2.0 * row["x"]} for row in rows if row["x"] >= 0}
