"""DataFrames for estimators that were fitted on one: each column has the dtype that the version recorded.

pandas would guess the dtypes for each request: a missing text is None in a single row, but NaN beside another text, and
encoders treat the two differently.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from modelet.backends import table
from modelet.backends.cell import beyond
from modelet.backends.moments import MOMENTS, UnheldError, moments_of
from modelet.errors import ContractError
from modelet.store.manifest import FrameColumn
from modelet.violation import LISTED_VIOLATIONS, Violation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.store.manifest import Column, Manifest

MARKERS = {"None": None, "nan": float("nan"), "NA": pd.NA, "NaT": pd.NaT}
"""The objects for a missing value in a column of Python objects."""


class Frames:
    """Make the DataFrames of one version, with one column per feature."""

    def __init__(self, manifest: Manifest) -> None:
        self._features, self._columns = manifest.features, manifest.columns
        recorded = manifest.frame or tuple(map(guessed, manifest.columns))
        known: list[Column | None] = list(manifest.columns) or [None] * len(recorded)
        self._converters = [_converter(column, one) for column, one in zip(recorded, known, strict=True)]
        # The converters themselves check datetimes and dates.
        self._checked = tuple(column for column in manifest.columns if column.type not in MOMENTS)
        self._is_matrix = {column.dtype for column in recorded} == {"float64"}

    def of(self, instances: Sequence[Any]) -> Any:
        """Return the instances as a DataFrame; a row does not depend on the other rows.

        Raises ContractError with each value that its column cannot hold unchanged.
        """
        names = list(self._features)
        if self._is_matrix:
            return pd.DataFrame(table.matrix(instances, self._features, np.float64, self._columns), columns=names)
        columns = [list(values) for values in zip(*table.rows(instances, self._features, self._checked), strict=True)]
        if not self._converters:  # a version of an older release whose class defines the types
            return pd.DataFrame(dict(zip(names, columns, strict=True)))
        arrays: dict[str, Any] = {}
        errors: list[ContractError] = []
        for name, converter, values in zip(names, self._converters, columns, strict=True):
            try:
                arrays[name] = converter.array(values)
            except UnheldError:
                errors.append(_violations(name, converter, values))
        if errors:
            from modelet.backends.grid import merged  # noqa: PLC0415 - few requests are rejected

            raise merged(errors)
        return pd.DataFrame(arrays, copy=False)


class _Objects:
    """A column of Python objects."""

    def __init__(self, missing: Any, kind: str | None) -> None:
        self._missing = missing
        self._kind = kind
        self.shown = f"{kind or 'any'} values"

    def array(self, values: list[Any]) -> Any:
        """Return the values as an array for the column. Raises UnheldError."""
        if self._kind is not None:
            _require_text(values, is_text=self._kind == "string")
        # pandas would convert a plain array of texts to its own string dtype.
        if _may_be_missing(values):
            values = [self._missing if _is_missing(value) else value for value in values]
        return pd.Series(values, dtype=object)

    def accepts(self, value: Any) -> bool:
        """Return whether the column can hold a value unchanged."""
        return self._kind is None or not _has_wrong_type(value, is_text=self._kind == "string")


class _Texts:
    """A column of one of pandas' string dtypes."""

    def __init__(self, dtype: Any) -> None:
        self._dtype = dtype
        self.shown = "texts"

    def array(self, values: list[Any]) -> Any:
        """Return the values as an array for the column. Raises UnheldError."""
        _require_text(values, is_text=True)  # pandas would write 1 as "1"
        return pd.array(values, dtype=self._dtype)

    def accepts(self, value: Any) -> bool:
        """Return whether the column can hold a value unchanged."""
        return not _has_wrong_type(value, is_text=True)


class _Categories:
    """A column of pandas' categories."""

    def __init__(self, column: FrameColumn) -> None:
        categories = column.categories or ()
        self._codes = {category: code for code, category in enumerate(categories)}
        self._dtype = pd.CategoricalDtype(pd.Index(categories, dtype=column.categories_dtype), ordered=column.ordered)
        self.shown = f"one of {len(categories)} categories"

    def array(self, values: list[Any]) -> Any:
        """Return the values as an array for the column. Raises UnheldError."""
        try:  # pandas would turn any other value into a missing one
            codes = [-1 if _is_missing(value) else self._codes[value] for value in values]
        except (KeyError, TypeError):
            raise UnheldError from None
        return pd.Categorical.from_codes(codes, dtype=self._dtype)

    def accepts(self, value: Any) -> bool:
        """Return whether the column can hold a value unchanged."""
        try:
            return _is_missing(value) or value in self._codes
        except TypeError:
            return False


class _Numbers:
    """A column of numbers or booleans, of one of numpy's dtypes, or of pandas' nullable ones."""

    def __init__(self, dtype: Any) -> None:
        self._own = None if isinstance(dtype, np.dtype) else dtype.construct_array_type()
        self._dtype = dtype if self._own is None else dtype.numpy_dtype
        self._is_exact = self._dtype.kind in "iub"
        ends: tuple[float, float] = (-1, 2) if self._dtype.kind == "b" else beyond(self._dtype.type)
        self._below, self._above = ends
        self.shown = str(dtype)

    def array(self, values: list[Any]) -> Any:
        """Return the values as an array for the column. Raises UnheldError."""
        _require_text(values, is_text=False)  # numpy would read "1" as 1
        if self._own is None:
            return self._numbers(values)
        mask = [_is_missing(value) for value in values]
        present = [0 if missing else value for value, missing in zip(values, mask, strict=True)]
        return self._own(self._numbers(present), np.array(mask, dtype=np.bool_))

    def _numbers(self, values: list[Any]) -> Any:
        try:
            with np.errstate(over="raise"):
                made = np.array(values, dtype=self._dtype)
        except (FloatingPointError, OverflowError, TypeError, ValueError):
            raise UnheldError from None
        if self._is_exact and made.tolist() != values:
            raise UnheldError  # numpy would truncate 1.5 to 1, and read 2 as True
        return made

    def accepts(self, value: Any) -> bool:
        """Return whether the column can hold a value unchanged."""
        if type(value) not in {bool, int, float}:  # a missing value, or one of numpy's types
            try:
                self.array([value])
            except UnheldError:
                return False
            return True
        if self._own is not None and value != value:  # noqa: PLR0124 - NaN alone differs from itself
            return True
        if self._is_exact:
            return bool(self._below < value < self._above and value % 1 == 0)
        return self._is_within(value) or abs(value) == inf or value != value  # noqa: PLR0124 - NaN

    def _is_within(self, value: float) -> bool:
        try:
            return bool(self._below < float(value) < self._above)
        except OverflowError:
            return False


def _converter(column: FrameColumn, one: Column | None) -> Any:
    kind = one.type if one else None
    if one and kind in MOMENTS:
        return moments_of(column.dtype, MARKERS[column.missing], one.type, nullable=one.nullable)
    if column.dtype == "category":
        return _Categories(column)
    if column.dtype == "object":
        return _Objects(MARKERS[column.missing], kind)
    dtype = pd.api.types.pandas_dtype(column.dtype)
    return _Texts(dtype) if isinstance(dtype, pd.StringDtype) else _Numbers(dtype)


def guessed(column: Column) -> FrameColumn:
    """Return the dtype that pandas guesses for many rows of a column; for versions that did not record it."""
    if column.type == "number" or (column.type == "integer" and column.nullable):
        return FrameColumn("float64")
    if column.type == "integer":
        return FrameColumn("int64")
    if column.type == "boolean":
        return FrameColumn("object", "None") if column.nullable else FrameColumn("bool")
    return FrameColumn(str(pd.Series(["text"]).dtype), "None")


def _violations(name: str, converter: Any, values: list[Any]) -> ContractError:
    """Return an error with all rows whose value does not fit, and the violations of the first ones."""
    bad = [row for row, value in enumerate(values) if not converter.accepts(value)]
    message = f"Input does not fit the model's column, which contains {converter.shown}"
    listed = [Violation(row, name, message, "column_type") for row in bad[:LISTED_VIOLATIONS]]
    return ContractError(listed, len(bad), rows=bad)


def _is_missing(value: Any) -> bool:
    return value is None or value != value  # noqa: PLR0124 - NaN alone differs from itself


def _may_be_missing(values: list[Any]) -> bool:
    """Return whether some values may be missing; only None and floats can be."""
    return not _MISSING_TYPES.isdisjoint(map(type, values))


_MISSING_TYPES = {type(None), float, np.float64}


def _require_text(values: list[Any], *, is_text: bool) -> None:
    kinds = set(map(type, values))
    if is_text and kinds & _MISSING_TYPES:
        kinds = {type(value) for value in values if not _is_missing(value)}
    if any(issubclass(kind, str | bytes) is not is_text for kind in kinds - {type(None)}):
        raise UnheldError


def _has_wrong_type(value: Any, *, is_text: bool) -> bool:
    """Return whether `_require_text` rejects a value."""
    kind = type(value)
    if value is None or (is_text and kind in _MISSING_TYPES and _is_missing(value)):
        return False
    return issubclass(kind, str | bytes) is not is_text
