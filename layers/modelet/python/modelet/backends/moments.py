"""Columns of datetimes and dates, for DataFrames.

A datetime for a naive column has no offset, because dropping one would change the value. A datetime for a column with a
time zone has one, and is converted to that zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd

MOMENTS = frozenset({"datetime", "date"})
"""The types of these columns."""
FINEST = "us"
"""The finest unit of Python's datetimes, and of requests."""
UNITS = {"s": "whole seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
SHOWN = {
    "date": "dates",
    "datetime": "dates and times without an offset",
    "aware": "dates and times with an offset, in the years 1 to 9999 of UTC",
}


class UnheldError(Exception):
    """A column cannot hold a value unchanged."""


class Moments:
    """A column of datetimes, of one of pandas' dtypes `datetime64`.

    nullable: whether the model was tested with missing values.
    """

    def __init__(self, dtype: Any, *, nullable: bool) -> None:
        self._zone = dtype.tz if isinstance(dtype, pd.DatetimeTZDtype) else None
        self._unit = dtype.unit if self._zone is not None else np.datetime_data(dtype)[0]
        self._nullable = nullable
        kind = "datetime" if self._zone is None else "aware"
        years = ", from 1677-09-22 to 2262-04-11" if self._unit == "ns" else ""
        self.shown = _shown(f"{SHOWN[kind]}, in {UNITS[self._unit]}{years}", nullable=nullable)

    def array(self, values: list[Any]) -> Any:
        """Return the values as an array for the column. Raises UnheldError."""
        given = np.array([self._plain(value) for value in values], f"datetime64[{FINEST}]")
        held = given.astype(f"datetime64[{self._unit}]")
        # numpy drops the digits below its unit, and starts again from the other end beyond its range.
        if (held.astype(given.dtype).view(np.int64) != given.view(np.int64)).any():
            raise UnheldError
        series = pd.Series(held)
        return series if self._zone is None else series.dt.tz_localize("UTC").dt.tz_convert(self._zone)

    def accepts(self, value: Any) -> bool:
        """Return whether the column can hold a value unchanged."""
        try:
            self.array([value])
        except UnheldError:
            return False
        return True

    def _plain(self, value: Any) -> datetime | None:
        """Return a value as a datetime without an offset, in UTC if the column has a time zone."""
        if _is_missing(value):
            if not self._nullable:
                raise UnheldError
            return None
        if not isinstance(value, datetime) or (value.tzinfo is None) is not (self._zone is None):
            raise UnheldError
        if getattr(value, "nanosecond", 0):  # pandas' own timestamps, from an author's code
            raise UnheldError
        if self._zone is None:
            return value
        try:
            return value.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:  # before year 1, or after year 9999
            raise UnheldError from None


class Dated:
    """A column of Python's own dates, or of its datetimes without an offset.

    kind: "date" or "datetime". missing: the object for a missing value. nullable: see Moments.
    """

    def __init__(self, kind: str, missing: Any, *, nullable: bool) -> None:
        self._is_date = kind == "date"
        self._missing = missing
        self._nullable = nullable
        self.shown = _shown(SHOWN[kind], nullable=nullable)

    def array(self, values: list[Any]) -> Any:
        """Return the values as an array for the column. Raises UnheldError."""
        if not all(map(self.accepts, values)):
            raise UnheldError
        made = np.empty(len(values), object)
        made[:] = [self._missing if _is_missing(value) else value for value in values]
        return pd.Series(made, dtype=object)

    def accepts(self, value: Any) -> bool:
        """Return whether the column can hold a value unchanged."""
        if _is_missing(value):
            return self._nullable
        if self._is_date:
            return type(value) is date
        return type(value) is datetime and value.tzinfo is None


def moments_of(dtype: str, missing: Any, kind: str, *, nullable: bool) -> Any:
    """Return the column for a recorded dtype. missing: the object for a missing value. kind: the column's type."""
    if dtype == "object":
        return Dated(kind, missing, nullable=nullable)
    return Moments(pd.api.types.pandas_dtype(dtype), nullable=nullable)


def _shown(what: str, *, nullable: bool) -> str:
    return what if nullable else f"{what}, none of them missing"


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NaT or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN
