"""Rows of examples, in the form for the estimator and in the form of a request."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from modelet.backends.table import EXACT
from modelet.dev.publish.source.moments import iso_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from modelet.store.manifest import Column

SHARED = 1e-3
"""Numbers whose range is below this share of their size keep fewer than four digits of their differences in float32."""

Layout = Literal["text", "matrix", "columns"]

TEXT, MATRIX = "text", "input"
"""The name of a graph's only input: texts, shape (rows, 1), or numbers, shape (rows, features)."""

KINDS: dict[str, Callable[[Any], Any]] = {
    "number": float,
    "integer": int,
    "string": str,
    "boolean": bool,
    "datetime": iso_text,
    "date": iso_text,
}
"""The functions that convert a column's values to those of JSON."""

SHOWN = 600
"""The most characters of a row that an error shows."""


@dataclass(frozen=True)
class Rows:
    """Rows of examples.

    data: a list of texts, an array of shape (rows, features) or a DataFrame, exactly as `predict` takes them.
    layout: the form for the graph: one string input, one matrix of numbers, or one input per column, each (rows, 1).
    columns: the type and the limits of each feature. doubles: whether the graph takes numbers in double precision.
    """

    data: Any
    layout: Layout
    columns: tuple[Column, ...]
    doubles: bool = False

    def __len__(self) -> int:
        return len(self.data)

    @property
    def features(self) -> tuple[str, ...]:
        """Return the columns' names."""
        return tuple(column.name for column in self.columns)

    def take(self, indices: Sequence[int]) -> Rows:
        """Return some of the rows, in the order of the indices."""
        if self.layout == "text":
            return replace(self, data=[self.data[index] for index in indices])
        return replace(self, data=self.data.iloc[list(indices)] if is_frame(self.data) else self.data[list(indices)])

    def spread(self, count: int) -> range:
        """Return the indices of at most `count` rows, spread evenly over all of them."""
        return range(0, len(self), 1 + (len(self) - 1) // count)

    def column(self, place: int) -> Any:
        """Return one feature of all rows: a list, an array or a Series."""
        if self.layout == "text":
            return self.data
        return self.data.iloc[:, place] if is_frame(self.data) else self.data[:, place]

    def as_float32(self) -> Rows:
        """Return the rows with their numbers rounded as by a float32 graph input, in the estimator's types."""
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
        """Return the rows in types that fit all values of their columns, not only the examples.

        A number column may have fractions, and an integer or a boolean column may have missing values. Otherwise, edge
        cases would lose their fractions, and NaN would become true.
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
                types[self.data.columns[place]] = "Float64"  # pandas' own dtypes, which keep missing values
        return replace(self, data=self.data.astype(types)) if types else self

    def widened(self) -> Rows:
        """Return the rows in types that fit every whole number in a request, whatever type the examples have."""
        if self.layout == "text":
            return self
        if not is_frame(self.data):
            return replace(self, data=self.data.astype(np.int64)) if self.data.dtype.kind in "iu" else self
        types = {name: kind for name, kind in self.data.dtypes.items() if getattr(kind, "kind", "O") in "iu"}
        wide = {name: "int64" if isinstance(kind, np.dtype) else "Int64" for name, kind in types.items()}
        return replace(self, data=self.data.astype(wide))

    def is_single(self) -> bool:
        """Return whether the estimator gets all numbers in single precision."""
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
        """Return the type of a column's values in the graph: whole numbers stay whole if each column is an input."""
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
        """Return the rows with whole numbers that an input of the graph rounds as number columns.

        Requests must not have numbers that the input changes in a column of whole numbers, but may in a number column.
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
        """Return a column's values and its bounds."""
        column = self.columns[place]
        return [*self.column(place), column.minimum, column.maximum]

    def instances(self) -> list[dict[str, Any]]:
        """Return the rows as a contract passes them to a model: fields by name in JSON types, None if missing."""
        columns = [_cells(self.column(place), column) for place, column in enumerate(self.columns)]
        return [dict(zip(self.features, values, strict=True)) for values in zip(*columns, strict=True)]

    def incomplete(self) -> NDArray[np.bool_]:
        """Return for each row whether a value is missing."""
        found = np.zeros(len(self), dtype=np.bool_)
        for place, column in enumerate(self.columns):
            if column.nullable:
                found |= np.array([is_missing(value) for value in self.column(place)], dtype=np.bool_)
        return found

    def share_digits(self) -> bool:
        """Return whether a column's numbers differ only in digits that float32 does not keep."""
        for place, column in enumerate(self.columns):
            if column.type in {"number", "integer"}:
                values = np.array([value for value in self.column(place) if not is_missing(value)], dtype=np.float64)
                if len(values) and 0 < np.ptp(values) < SHARED * np.abs(values).max():
                    return True
        return False

    def shown(self, index: int) -> str:
        """Return a row as one line of text."""
        if self.layout == "text":
            text = repr(self.data[index])
        else:
            values = self.data.iloc[index] if is_frame(self.data) else self.data[index]
            text = ", ".join(f"{name}={_value(value)}" for name, value in zip(self.features, values, strict=True))
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def is_frame(data: object) -> bool:
    """Return whether the data is a pandas DataFrame, without importing pandas."""
    return hasattr(data, "iloc") and hasattr(data, "columns")


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN or NaT, or pandas' NA."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    return isinstance(value, float | np.floating) and math.isnan(value)


def _needs_room(column: Column, kind: str) -> bool:
    """Return whether a column may have values that numpy's kind of dtype cannot."""
    return (kind in "iu" and (column.type == "number" or column.nullable)) or (kind == "b" and column.nullable)


def _cells(values: Any, column: Column) -> list[Any]:
    """Return one column's values. Categories are not converted: a whole number among them stays whole."""
    known = {category: category for category in column.categories or ()}
    plain = values.tolist() if hasattr(values, "tolist") else values
    kind = KINDS[column.type]
    return [None if is_missing(value) else known[value] if value in known else kind(value) for value in plain]


def _value(value: Any) -> str:
    item = value.item() if isinstance(value, np.generic) else value
    return repr(item)
