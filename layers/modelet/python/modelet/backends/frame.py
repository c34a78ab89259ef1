"""DataFrames for estimators that were fitted on one: each column has the dtype that the version recorded.

pandas would guess the dtypes of every request anew: a missing text is None in a row alone and NaN beside another text,
and encoders tell the two apart.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from modelet.backends import table
from modelet.backends.cell import beyond
from modelet.errors import ContractError
from modelet.store.manifest import FrameColumn
from modelet.violation import LISTED_VIOLATIONS, Violation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.store.manifest import Column, Manifest

MARKERS = {"None": None, "nan": float("nan"), "NA": pd.NA}
"""What stands for a missing value among Python objects."""


class Frames:
    """Makes the DataFrames of one version, a column each feature."""

    def __init__(self, manifest: Manifest) -> None:
        self._features, self._columns = manifest.features, manifest.columns
        held = manifest.frame or tuple(map(guessed, manifest.columns))
        types: list[str | None] = [column.type for column in manifest.columns] or [None] * len(held)
        self._holders = [_holder(column, kind) for column, kind in zip(held, types, strict=True)]
        self._is_matrix = {column.dtype for column in held} == {"float64"}

    def of(self, instances: Sequence[Any]) -> Any:
        """The instances as a DataFrame; a row is the same alone as beside others.

        Raises ContractError naming each value that its column cannot hold unchanged.
        """
        names = list(self._features)
        if self._is_matrix:
            return pd.DataFrame(table.matrix(instances, self._features, np.float64, self._columns), columns=names)
        columns = [list(values) for values in zip(*table.rows(instances, self._features, self._columns), strict=True)]
        if not self._holders:  # a version of an older release whose class says the types
            return pd.DataFrame(dict(zip(names, columns, strict=True)))
        arrays: dict[str, Any] = {}
        errors: list[ContractError] = []
        for name, holder, values in zip(names, self._holders, columns, strict=True):
            try:
                arrays[name] = holder.array(values)
            except _UnfitError:
                errors.append(_refusal(name, holder, values))
        if errors:
            from modelet.backends.grid import merged  # noqa: PLC0415 - few requests are refused

            raise merged(errors)
        return pd.DataFrame(arrays, copy=False)


class _UnfitError(Exception):
    """A column cannot hold a value unchanged."""


class _Objects:
    """A column of Python objects."""

    def __init__(self, missing: Any, kind: str | None) -> None:
        self._missing = missing
        self._kind = kind
        self.shown = f"{kind or 'any'} values"

    def array(self, values: list[Any]) -> Any:
        """The values as the column holds them. Raises _UnfitError."""
        if self._kind is not None:
            _require_text(values, is_text=self._kind == "string")
        # A bare array of texts would become a column of pandas' own string dtype.
        if _may_lack(values):
            values = [self._missing if _is_missing(value) else value for value in values]
        return pd.Series(values, dtype=object)

    def takes(self, value: Any) -> bool:
        """Whether the column holds a value unchanged."""
        return self._kind is None or not _is_unlike(value, is_text=self._kind == "string")


class _Texts:
    """A column of one of pandas' string dtypes."""

    def __init__(self, dtype: Any) -> None:
        self._dtype = dtype
        self.shown = "texts"

    def array(self, values: list[Any]) -> Any:
        """The same as of `_Objects`."""
        _require_text(values, is_text=True)  # pandas would write 1 as "1"
        return pd.array(values, dtype=self._dtype)

    def takes(self, value: Any) -> bool:
        """The same as of `_Objects`."""
        return not _is_unlike(value, is_text=True)


class _Categories:
    """A column of pandas' categories."""

    def __init__(self, column: FrameColumn) -> None:
        held = column.categories or ()
        self._codes = {category: code for code, category in enumerate(held)}
        self._dtype = pd.CategoricalDtype(pd.Index(held, dtype=column.categories_dtype), ordered=column.ordered)
        self.shown = f"one of {len(held)} categories"

    def array(self, values: list[Any]) -> Any:
        """The same as of `_Objects`."""
        try:  # pandas would take any other value for a missing one
            codes = [-1 if _is_missing(value) else self._codes[value] for value in values]
        except (KeyError, TypeError):
            raise _UnfitError from None
        return pd.Categorical.from_codes(codes, dtype=self._dtype)

    def takes(self, value: Any) -> bool:
        """The same as of `_Objects`."""
        try:
            return _is_missing(value) or value in self._codes
        except TypeError:
            return False


class _Numbers:
    """A column of numbers or booleans, of one of numpy's dtypes, or of pandas' own, which may lack any value."""

    def __init__(self, dtype: Any) -> None:
        self._own = None if isinstance(dtype, np.dtype) else dtype.construct_array_type()
        self._dtype = dtype if self._own is None else dtype.numpy_dtype
        self._is_exact = self._dtype.kind in "iub"
        ends: tuple[float, float] = (-1, 2) if self._dtype.kind == "b" else beyond(self._dtype.type)
        self._below, self._above = ends
        self.shown = str(dtype)

    def array(self, values: list[Any]) -> Any:
        """The same as of `_Objects`."""
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
            raise _UnfitError from None
        if self._is_exact and made.tolist() != values:
            raise _UnfitError  # numpy would cut 1.5 to 1, and take 2 for True
        return made

    def takes(self, value: Any) -> bool:
        """The same as of `_Objects`."""
        if type(value) not in {bool, int, float}:  # a missing one, and what only numpy knows
            try:
                self.array([value])
            except _UnfitError:
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


def _holder(column: FrameColumn, kind: str | None) -> Any:
    if column.dtype == "category":
        return _Categories(column)
    if column.dtype == "object":
        return _Objects(MARKERS[column.missing], kind)
    dtype = pd.api.types.pandas_dtype(column.dtype)
    return _Texts(dtype) if isinstance(dtype, pd.StringDtype) else _Numbers(dtype)


def guessed(column: Column) -> FrameColumn:
    """What pandas guesses for many rows of a column, of which the version has no record."""
    if column.type == "number" or (column.type == "integer" and column.nullable):
        return FrameColumn("float64")
    if column.type == "integer":
        return FrameColumn("int64")
    if column.type == "boolean":
        return FrameColumn("object", "None") if column.nullable else FrameColumn("bool")
    return FrameColumn(str(pd.Series(["text"]).dtype), "None")


def _refusal(name: str, holder: Any, values: list[Any]) -> ContractError:
    """All rows whose value does not fit, and the first of them by name."""
    bad = [row for row, value in enumerate(values) if not holder.takes(value)]
    said = f"Input does not fit the model's column, which holds {holder.shown}"
    listed = [Violation(row, name, said, "column_type") for row in bad[:LISTED_VIOLATIONS]]
    return ContractError(listed, len(bad), rows=bad)


def _is_missing(value: Any) -> bool:
    return value is None or value != value  # noqa: PLR0124 - NaN alone differs from itself


def _may_lack(values: list[Any]) -> bool:
    """Whether some may be missing: no value that is neither None nor a float can be."""
    return not _GAPS.isdisjoint(map(type, values))


_GAPS = {type(None), float, np.float64}


def _require_text(values: list[Any], *, is_text: bool) -> None:
    kinds = set(map(type, values))
    if is_text and kinds & _GAPS:
        kinds = {type(value) for value in values if not _is_missing(value)}
    if any(issubclass(kind, str | bytes) is not is_text for kind in kinds - {type(None)}):
        raise _UnfitError


def _is_unlike(value: Any, *, is_text: bool) -> bool:
    """Whether `_require_text` refuses a value."""
    kind = type(value)
    if value is None or (is_text and kind in _GAPS and _is_missing(value)):
        return False
    return issubclass(kind, str | bytes) is not is_text
