"""Convert one value for its column, or report why the column rejects it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import inf, isnan
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from modelet.store.manifest import Column

NUMBERS = (int, float, Decimal, Fraction, np.number, np.bool_)
FLOATING = (np.float32, np.float64)
WHOLE = 2**63
"""The range of numpy's int64: integers of a column are less than this, and at least its negative."""
SHOWN = 5
"""The most categories that a message lists."""


class UnfitError(Exception):
    """A column rejects a value. rule: pydantic's name for the rule, if it has one."""

    def __init__(self, message: str, rule: str) -> None:
        super().__init__(message)
        self.rule = rule


def of_type(value: Any, column: Column | None, dtype: type[Any]) -> Any:
    """Convert a value for an array of a type. Raises UnfitError.

    column: None if unknown. A value of a tensor without columns may be a list of any depth.
    """
    if column is None and isinstance(value, list | tuple):
        return [of_type(item, None, dtype) for item in value]
    if column is None and isinstance(value, np.ndarray):
        return of_type(value.tolist(), None, dtype)
    if dtype is str:
        # A graph would read None as "None", and 1 as "1".
        return _known(_text(value), column)
    if _is_missing(value):
        if dtype not in FLOATING or (column is not None and not column.nullable):
            raise _missing()
        return np.nan
    number = _number(value)
    if dtype not in FLOATING or (column is not None and column.type != "number"):
        number = _whole(number)
    made = _converted(number, dtype)
    is_counted = isinstance(number, int) and (column is None or column.type != "number")
    if is_counted and dtype in FLOATING and int(made) != number:
        raise UnfitError(f"Input is an integer that {np.dtype(dtype).name} would round", "number_range")
    return made if column is None else _within(number, column, made)


def of_column(value: Any, column: Column | None) -> Any:
    """Convert a value for a frame or a list. Raises UnfitError."""
    if column is None:
        return value
    if _is_missing(value):
        if not column.nullable:
            raise _missing()
        return None
    if column.type == "string":
        return _known(_text(value), column)
    number = _number(value)
    if column.type == "number":
        _converted(number, np.float64)
        return _within(number, column, float(number) if isinstance(number, Decimal | Fraction) else number)
    whole = _whole(number)
    # A frame may hold it as uint64; a frame that cannot reports it.
    number = whole if WHOLE <= whole < 2 * WHOLE else _converted(whole, np.int64)
    return _within(number, column, bool(number) if column.type == "boolean" and number in {0, 1} else number)


def _is_missing(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_nan()
    return value is None or (isinstance(value, float | np.floating) and isnan(value))


def _missing() -> UnfitError:
    return UnfitError("Input is missing, and the model was not tested with missing values: send a value", "missing")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise UnfitError("Input should be a valid string", "string_type")
    return value


def _number(value: Any) -> Any:
    if not isinstance(value, NUMBERS):
        raise UnfitError("Input should be a valid number", "float_type")
    return value.item() if isinstance(value, np.generic) else value


def _whole(number: Any) -> int:
    try:
        whole = int(number)
    except (OverflowError, ValueError):  # infinity
        whole = None
    if whole is None or whole != number:
        raise UnfitError("Input should be an integer, without a fractional part", "int_from_float")
    return whole


def _converted(number: Any, dtype: type[Any]) -> Any:
    """Convert a number to one of numpy's types, and back to Python's."""
    below, above = beyond(dtype)  # type: ignore[arg-type]  # to mypy no type is hashable
    try:
        made = float(number) if dtype in FLOATING else number
        is_held = below < made < above
    except OverflowError:
        is_held = False
    if not is_held:
        raise UnfitError(f"Input is beyond the range of {np.dtype(dtype).name}", "number_range")
    return dtype(made).item()


@cache
def beyond(dtype: type[Any]) -> tuple[float, float]:
    """Return the exclusive bounds of the numbers that one of numpy's types can hold, perhaps after rounding.

    Source: IEEE 754, 4.3.1: a number half a step or more beyond the greatest one rounds to infinity.
    """
    if not issubclass(dtype, np.floating):
        held = np.iinfo(dtype)
        return int(held.min) - 1, int(held.max) + 1
    most = np.finfo(dtype).max
    half = (float(most) - float(np.nextafter(most, dtype(0)))) / 2
    end = inf if dtype is np.float64 else float(most) + half
    return -end, end


def _within(number: Any, column: Column, made: Any) -> Any:
    """Return the converted number. Raises UnfitError if the column rejects both the number and its rounded value."""
    if column.type == "boolean" and number not in {0, 1}:
        raise UnfitError("Input should be true or false", "bool_type")
    if column.minimum is not None and number < column.minimum and made < column.minimum:
        raise UnfitError(f"Input should be greater than or equal to {column.minimum:g}", "greater_than_equal")
    if column.maximum is not None and number > column.maximum and made > column.maximum:
        raise UnfitError(f"Input should be less than or equal to {column.maximum:g}", "less_than_equal")
    if not column.categories or made not in column.categories:  # the rounded value may be a category
        _known(number, column)
    return made


def _known(value: Any, column: Column | None) -> Any:
    categories = column.categories if column else None
    if categories and value not in categories:
        listed = ", ".join(repr(category) for category in categories[:SHOWN])
        more = f" or {len(categories) - SHOWN} more" if len(categories) > SHOWN else ""
        raise UnfitError(f"Input should be one of {listed}{more}", "literal_error")
    return value
