"""One value on its way into a column: what it becomes there, or why the column does not take it."""

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
"""Whole numbers of a column are less than this, and no less than its negative: numpy's int64."""
SHOWN = 5
"""How many categories a message shows."""


class UnfitError(Exception):
    """A value that its column does not take. rule: as pydantic would name it, where it has a name for it."""

    def __init__(self, message: str, rule: str) -> None:
        super().__init__(message)
        self.rule = rule


def of_type(value: Any, column: Column | None, dtype: type[Any]) -> Any:
    """What an array of a type holds for a value. Raises UnfitError.

    column: where it is known. A value of a tensor without columns may be a list of any depth.
    """
    if column is None and isinstance(value, list | tuple):
        return [of_type(item, None, dtype) for item in value]
    if column is None and isinstance(value, np.ndarray):
        return of_type(value.tolist(), None, dtype)
    if dtype is str:
        # A graph would take the word "None" for None, and "1" for 1.
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
        raise UnfitError(f"Input is a whole number that {np.dtype(dtype).name} would round", "number_range")
    return made if column is None else _within(number, column, made)


def of_column(value: Any, column: Column | None) -> Any:
    """What a frame or a list holds for a value. Raises UnfitError."""
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
    # A frame may hold them as uint64, and says so where it does not.
    number = whole if WHOLE <= whole < 2 * WHOLE else _converted(whole, np.int64)
    return _within(number, column, bool(number) if column.type == "boolean" and number in {0, 1} else number)


def _is_missing(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_nan()
    return value is None or (isinstance(value, float | np.floating) and isnan(value))


def _missing() -> UnfitError:
    return UnfitError("Input is missing, which the model was not proven with: send a value", "missing")


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
        raise UnfitError("Input should be a whole number, without a fraction", "int_from_float")
    return whole


def _converted(number: Any, dtype: type[Any]) -> Any:
    """A number of numpy's type, as Python's own."""
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
    """The nearest numbers on both sides that one of numpy's types does not hold; others may round to one that it does.

    Source: IEEE 754, 4.3.1: what is half a step or more beyond the greatest number becomes infinity.
    """
    if not issubclass(dtype, np.floating):
        held = np.iinfo(dtype)
        return int(held.min) - 1, int(held.max) + 1
    most = np.finfo(dtype).max
    half = (float(most) - float(np.nextafter(most, dtype(0)))) / 2
    end = inf if dtype is np.float64 else float(most) + half
    return -end, end


def _within(number: Any, column: Column, made: Any) -> Any:
    """What was made of a number, where its column takes the number or, once rounded, its bound."""
    if column.type == "boolean" and number not in {0, 1}:
        raise UnfitError("Input should be true or false", "bool_type")
    if column.minimum is not None and number < column.minimum and made < column.minimum:
        raise UnfitError(f"Input should be greater than or equal to {column.minimum:g}", "greater_than_equal")
    if column.maximum is not None and number > column.maximum and made > column.maximum:
        raise UnfitError(f"Input should be less than or equal to {column.maximum:g}", "less_than_equal")
    if not column.categories or made not in column.categories:  # rounded, it may be one
        _known(number, column)
    return made


def _known(value: Any, column: Column | None) -> Any:
    categories = column.categories if column else None
    if categories and value not in categories:
        listed = ", ".join(repr(category) for category in categories[:SHOWN])
        more = f" or {len(categories) - SHOWN} more" if len(categories) > SHOWN else ""
        raise UnfitError(f"Input should be one of {listed}{more}", "literal_error")
    return value
