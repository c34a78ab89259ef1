"""Rows of examples in one shape: what the estimator takes, and what a request carries for the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from modelet.backends.table import EXACT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelet.store.manifest import Column

SHARED = 1e-3
"""Numbers whose range is below this share of their size keep fewer than four digits of their differences in float32."""

Layout = Literal["text", "matrix", "columns"]

TEXT, MATRIX = "text", "input"
"""The graph's input where there is one: texts, shape (rows, 1), or numbers, shape (rows, features)."""

KINDS: dict[str, type[Any]] = {"number": float, "integer": int, "string": str, "boolean": bool}
"""What a column's values are once they were JSON."""

SHOWN = 600
"""How many characters of a row an error shows."""


@dataclass(frozen=True)
class Rows:
    """Some rows.

    data: texts in a list, an array of shape (rows, features) or a DataFrame: exactly what `predict` takes.
    layout: how the graph takes them: one string input, one matrix of numbers, or one input a column, each (rows, 1).
    columns: what each feature may be. doubles: whether the graph takes what is no float32 in double precision.
    """

    data: Any
    layout: Layout
    columns: tuple[Column, ...]
    doubles: bool = False

    def __len__(self) -> int:
        return len(self.data)

    @property
    def features(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    def take(self, indices: Sequence[int]) -> Rows:
        """Some of the rows, in the order of the indices."""
        if self.layout == "text":
            return replace(self, data=[self.data[index] for index in indices])
        return replace(self, data=self.data.iloc[list(indices)] if is_frame(self.data) else self.data[list(indices)])

    def spread(self, count: int) -> range:
        """The places of at most so many rows, spread over all of them."""
        return range(0, len(self), 1 + (len(self) - 1) // count)

    def column(self, place: int) -> Any:
        """One feature of all rows: a list, an array or a Series."""
        if self.layout == "text":
            return self.data
        return self.data.iloc[:, place] if is_frame(self.data) else self.data[:, place]

    def as_float32(self) -> Rows:
        """The rows after what a float32 graph input does to their numbers, in the types that the estimator takes."""
        if self.layout == "text":
            return self
        if not is_frame(self.data):
            if self.doubles:
                return self
            kind = np.float32 if self.is_single() else np.float64
            return replace(self, data=self.data.astype(np.float32).astype(kind))
        rounded = self.data.copy()
        for place, column in enumerate(self.columns):
            if self.input_type(column) is np.float32 and not self._holds_single(place):
                numbers = self.data.iloc[:, place].to_numpy(dtype=np.float32, na_value=np.nan)
                rounded[self.data.columns[place]] = numbers.astype(np.float64)
        return replace(self, data=rounded)

    def stated(self) -> Rows:
        """The rows with room for all that their columns say, which may be more than the examples hold.

        A number is no integer, and neither an integer nor a boolean can be missing: else fractions would be cut off on
        their way into a trial, and NaN would be true.
        """
        if self.layout == "text":
            return self
        if not is_frame(self.data):
            kind = self.data.dtype.kind
            wide = any(_needs_room(column, kind) for column in self.columns)
            return replace(self, data=self.data.astype(np.float64)) if wide else self
        types = {}
        for place, column in enumerate(self.columns):
            held = self.data.dtypes.iloc[place]
            if not _needs_room(column, getattr(held, "kind", "O")):
                continue
            if isinstance(held, np.dtype):
                types[self.data.columns[place]] = "object" if held.kind == "b" else "float64"
            elif column.type == "number":
                types[self.data.columns[place]] = "Float64"  # pandas' own, which hold missing values as they are
        return replace(self, data=self.data.astype(types)) if types else self

    def widened(self) -> Rows:
        """The rows with room for every whole number that a request may carry, whatever type the examples have."""
        if self.layout == "text":
            return self
        if not is_frame(self.data):
            return replace(self, data=self.data.astype(np.int64)) if self.data.dtype.kind in "iu" else self
        types = {name: kind for name, kind in self.data.dtypes.items() if getattr(kind, "kind", "O") in "iu"}
        wide = {name: "int64" if isinstance(kind, np.dtype) else "Int64" for name, kind in types.items()}
        return replace(self, data=self.data.astype(wide))

    def is_single(self) -> bool:
        """Whether the estimator gets all numbers in single precision."""
        if self.layout == "text":
            return False
        if not is_frame(self.data):
            return bool(self.data.dtype == np.float32)
        numbers = [
            self.data.dtypes.iloc[place]
            for place, column in enumerate(self.columns)
            if column.type in {"number", "integer"}
        ]
        return bool(numbers) and all(kind == np.float32 for kind in numbers)

    def input_type(self, column: Column) -> type[Any]:
        """The type of a column's values in the graph: whole numbers stay whole where each column is an input."""
        if column.type == "string":
            return object
        whole = column.type in {"integer", "boolean"} and not column.nullable
        if whole and self.layout == "columns":
            return np.int64
        is_double = self.doubles and not self._holds_single(self.features.index(column.name))
        return np.float64 if is_double else np.float32

    def _holds_single(self, place: int) -> bool:
        """Whether the estimator gets a column in single precision."""
        kind = self.data.dtypes.iloc[place] if is_frame(self.data) else self.data.dtype
        return bool(kind == np.float32)

    def with_rounded(self) -> Rows:
        """The rows, with whole numbers that an input of the graph rounds as what they are there: numbers.

        Of a column of whole numbers, requests may carry none that the input would change; of numbers they may.
        """
        rounded = {
            place
            for place, column in enumerate(self.columns)
            if column.type == "integer"
            and (most := EXACT.get(self.input_type(column)))
            and any(abs(value) > most for value in self._seen(place) if not is_missing(value))
        }
        if not rounded:
            return self
        columns = tuple(
            column._replace(type="number") if place in rounded else column for place, column in enumerate(self.columns)
        )
        if not is_frame(self.data):
            return replace(self, data=self.data.astype(np.float64), columns=columns)
        data = self.data.copy()
        for place in rounded:
            data[data.columns[place]] = data.iloc[:, place].to_numpy(dtype=np.float64, na_value=np.nan)
        return replace(self, data=data, columns=columns)

    def _seen(self, place: int) -> list[Any]:
        """A column's values and its bounds."""
        column = self.columns[place]
        return [*self.column(place), column.minimum, column.maximum]

    def instances(self) -> list[dict[str, Any]]:
        """The rows as a contract hands them to a model: fields by name in JSON's types, None for what is missing."""
        columns = [_cells(self.column(place), column) for place, column in enumerate(self.columns)]
        return [dict(zip(self.features, values, strict=True)) for values in zip(*columns, strict=True)]

    def incomplete(self) -> NDArray[np.bool_]:
        """Row by row: whether a value is missing."""
        found = np.zeros(len(self), dtype=np.bool_)
        for place, column in enumerate(self.columns):
            if column.nullable:
                found |= np.array([is_missing(value) for value in self.column(place)], dtype=np.bool_)
        return found

    def share_digits(self) -> bool:
        """Whether a column's numbers differ only in digits that float32 has not room for."""
        for place, column in enumerate(self.columns):
            if column.type in {"number", "integer"}:
                values = np.array([value for value in self.column(place) if not is_missing(value)], dtype=np.float64)
                if len(values) and 0 < np.ptp(values) < SHARED * np.abs(values).max():
                    return True
        return False

    def shown(self, index: int) -> str:
        """A row on one line, for people."""
        if self.layout == "text":
            text = repr(self.data[index])
        else:
            values = self.data.iloc[index] if is_frame(self.data) else self.data[index]
            text = ", ".join(f"{name}={_value(value)}" for name, value in zip(self.features, values, strict=True))
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def is_frame(data: object) -> bool:
    """Whether it is a pandas DataFrame, without importing pandas."""
    return hasattr(data, "iloc") and hasattr(data, "columns")


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN or pandas' NA."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return isinstance(value, float | np.floating) and math.isnan(value)


def _needs_room(column: Column, kind: str) -> bool:
    """Whether a column may hold what numpy's kind of dtype cannot."""
    return (kind in "iu" and (column.type == "number" or column.nullable)) or (kind == "b" and column.nullable)


def _cells(values: Any, column: Column) -> list[Any]:
    """One column's values. A category is itself: a number that is one of whole numbers stays whole."""
    known = {category: category for category in column.categories or ()}
    plain = values.tolist() if hasattr(values, "tolist") else values
    kind = KINDS[column.type]
    return [None if is_missing(value) else known[value] if value in known else kind(value) for value in plain]


def _value(value: Any) -> str:
    item = value.item() if isinstance(value, np.generic) else value
    return repr(item)
