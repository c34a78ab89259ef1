"""A row's own id: a field of its instance that is passed through to its prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.errors import PredictionError
from modelet.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from modelet.contract.schema import Core

PREDICTION = "prediction"
"""The member with the prediction, if that is not an object."""
SCHEMA: Core = {"type": "str"}
"""The kind of its column in the results of a batch: a text, because there one kind must do for all rows."""


class RowIds(NamedTuple):
    """The ids of the rows of a request. field: its name. values: one for each row that was sent, in order."""

    field: str
    values: list[Any]

    def into(self, answers: Sequence[Any], rows: Container[int]) -> list[Any]:
        """Return the answers of all rows; those of `rows`, which are problems, get the row's id."""
        return [
            {**answer, self.field: self.values[row]} if row in rows and self.values[row] is not None else answer
            for row, answer in enumerate(answers)
        ]


class Identified(NamedTuple):
    """A checked prediction, and the id of its row."""

    id: Any
    prediction: Any


def fault(row: int, field: str, instance: dict[str, Any]) -> Violation | None:
    """Return why a row has no id; None if it has one, which is a text or a whole number."""
    if field not in instance:
        return Violation(row, field, "Field required: the row's own id", "missing")
    if type(instance[field]) not in {str, int}:
        return Violation(row, field, "Input should be a text or a whole number", "id_type")
    return None


def identified(field: str, row_id: Any, prediction: Any) -> dict[str, Any]:
    """Return a prediction, given as a JSON value, with the id of its row.

    Raises PredictionError if the prediction has another value of this name.
    """
    if not isinstance(prediction, dict):
        return {field: row_id, PREDICTION: prediction}
    own = prediction.get(field, row_id)
    if type(own) is not type(row_id) or own != row_id:
        raise PredictionError(
            f"a prediction has its own {field}, which `id: {field}` in model.yaml would replace: rename one of them"
        )
    return {field: row_id, **prediction}


def with_id(field: str, prediction: Core) -> Core:
    """Return the core schema of a prediction with an id; it describes the columns of results, and checks nothing."""
    member = {"type": "typed-dict-field", "schema": SCHEMA, "required": True}
    if prediction["type"] == "typed-dict" and not prediction.get("computed_fields"):
        return {**prediction, "fields": {field: member, **prediction["fields"]}}
    whole = {"type": "typed-dict-field", "schema": prediction, "required": True}
    return {"type": "typed-dict", "fields": {field: member, PREDICTION: whole}}
