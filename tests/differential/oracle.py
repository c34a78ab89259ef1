"""The oracle: what the estimator itself says of the values of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Literal

import numpy as np
from pydantic import TypeAdapter, ValidationError
from sklearn.base import is_clusterer, is_regressor

from differential.case import Case
from differential.contracts import Row
from differential.rows import is_within
from modelet.dev.publish.boosting.libraries import library_of
from modelet.dev.publish.source.parts import parts
from modelet.store.manifest import Column

COMPARING = {
    "BernoulliNB",
    "Binarizer",
    "HistGradientBoostingClassifier",
    "HistGradientBoostingRegressor",
    "KBinsDiscretizer",
}
"""Those that send a double and the float32 next to it different ways; trees round both to the same float32."""

Measure = Literal["value", "probability", "score", "distance"]

TYPES: dict[str, Any] = {
    "number": float,
    "integer": int,
    "string": str,
    "boolean": bool,
    "datetime": datetime,
    "date": date,
}


@dataclass(frozen=True)
class Said:
    """What the estimator says of one row.

    label: that of a classifier, the cluster of a clusterer, else None. numbers: what a regressor predicts, or what
    `measure` names.
    raised: why it says nothing. measure: what the numbers are. parts: what it says of each of several targets.
    """

    label: Any
    numbers: tuple[float, ...]
    raised: str = ""
    measure: Measure = "value"
    parts: tuple[Said, ...] = ()


class Oracle:
    """The estimator of a case."""

    def __init__(self, case: Case, columns: Sequence[Column]) -> None:
        self._case = case
        self._columns = columns

    @cached_property
    def _rounds(self) -> bool:
        """Whether rounding a number to float32 is no change: no part compares doubles."""
        return not any(
            type(part).__name__ in COMPARING or library_of(part) == "lightgbm" for part in parts(self._case.estimator)
        )

    @cached_property
    def scale(self) -> float:
        """The mean size of the numbers for the held-out rows, where they are no probabilities."""
        said = self._ask(self._case.plan.held_out.rows)
        is_relative = bool(said) and said[0].measure != "probability" and bool(said[0].numbers)
        return float(np.mean([np.abs(one.numbers) for one in said])) if is_relative else 0.0

    def says(self, rows: Sequence[Row]) -> list[list[Said]]:
        """For each row what the estimator says, in each way in which its values can be read.

        A number of a request is also read as float32, which graphs take, but where a part compares doubles; "3" is
        also read as the number 3 in a column of numbers, as contracts read it.
        """
        cells = [[row.get(column.name) for column in self._columns] for row in rows]
        proper = [
            index
            for index, row in enumerate(cells)
            if all(is_within(column, value) for column, value in zip(self._columns, row, strict=True))
        ]
        together = self._all([cells[index] for index in proper])
        rounded = self._all([self._as_float32(cells[index]) for index in proper]) if self._rounds else together
        found = {index: [one, other] for index, one, other in zip(proper, together, rounded, strict=True)}
        return [found[index] if index in found else self._each_reading(row) for index, row in enumerate(cells)]

    def says_alone(self, row: Row) -> list[Said]:
        """The same for one row, without others beside it."""
        return self._each_reading([row.get(column.name) for column in self._columns])

    def _each_reading(self, row: Sequence[Any]) -> list[Said]:
        read = [_read(column, value) for column, value in zip(self._columns, row, strict=True)]
        readings: list[Sequence[Any]] = [row]
        for other in (read, self._as_float32(read))[: 2 if self._rounds else 1]:
            if repr(other) not in map(repr, readings):  # 1, True and 1.0 are equal to Python
                readings.append(other)
        return [said for each in readings for said in self._all([each])]

    def _as_float32(self, row: Sequence[Any]) -> list[Any]:
        return [
            float(np.float32(value)) if column.type == "number" and isinstance(value, float) else value
            for column, value in zip(self._columns, row, strict=True)
        ]

    def _all(self, rows: Sequence[Sequence[Any]]) -> list[Said]:
        """What it says of all rows together, one by one where it then refuses."""
        if not rows:
            return []
        try:
            return self._ask(rows)
        except Exception as error:  # noqa: BLE001 - an estimator raises what it likes
            if len(rows) == 1:
                return [Said(None, (), f"{type(error).__name__}: {error}")]
        return [said for row in rows for said in self._all([row])]

    def _ask(self, rows: Sequence[Sequence[Any]]) -> list[Said]:
        estimator, data = self._case.estimator, self._case.plan.held_out.given(rows)
        found = np.asarray(estimator.predict(data))
        if found.shape[1:] == (1,):  # as CatBoost predicts one of several labels
            found = found[:, 0]
        if is_regressor(estimator):
            return [Said(None, tuple(np.ravel(row).tolist())) for row in found.astype(float)]
        if found.ndim > 1 and found.shape[1] > 1:
            return _of_targets(estimator, data, found)
        for method, measure in (
            ("predict_proba", "probability"),
            ("decision_function", "score"),
            ("transform", "distance"),
        ):
            if hasattr(estimator, method) and (method != "transform" or is_clusterer(estimator)):
                numbers = np.asarray(getattr(estimator, method)(data))
                numbers = numbers.reshape(len(rows), -1)
                return [
                    Said(label, tuple(row), measure=measure)  # type: ignore[arg-type]  # a literal in a tuple
                    for label, row in zip(np.ravel(found).tolist(), numbers.tolist(), strict=True)
                ]
        return [Said(label, (), measure="probability") for label in np.ravel(found).tolist()]


def _of_targets(estimator: Any, data: Any, found: Any) -> list[Said]:
    """What a classifier of several targets says: of each its label, and its probabilities where it has them."""
    shares = estimator.predict_proba(data) if hasattr(estimator, "predict_proba") else None
    if shares is not None and not isinstance(shares, list):
        shares = [np.c_[1 - column, column] for column in np.asarray(shares).T]
    rows = []
    for place, labels in enumerate(found.tolist()):
        numbers = [tuple(each[place].tolist()) for each in shares] if shares is not None else [()] * len(labels)
        pairs = zip(labels, numbers, strict=True)
        rows.append(Said(labels, (), parts=tuple(Said(label, row, measure="probability") for label, row in pairs)))
    return rows


def _read(column: Column, value: Any) -> Any:
    """A value as a contract of the column's type reads it."""
    if value is None:
        return None
    try:
        read = TypeAdapter(TYPES[column.type]).validate_python(value)
        return read.isoformat() if isinstance(read, date) else read
    except ValidationError:
        return value
