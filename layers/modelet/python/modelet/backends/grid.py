"""Convert many values for their columns: find all that do not fit, and the reasons for those that are listed."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.backends.cell import FLOATING, WHOLE, UnfitError, beyond, of_column, of_type
from modelet.errors import ContractError
from modelet.violation import LISTED_VIOLATIONS, Violation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.backends.outputs import Array
    from modelet.store.manifest import Column

QUICK = frozenset({bool, int, float, type(None)})
"""Types of values for which numpy gives the same result as `modelet.backends.cell`."""
EXACT = 2**53
"""numpy's float64 can represent all integers below this."""
KNOWN = frozenset({np.float32, np.float64, np.int64, None})
"""The dtypes for which values can be checked with numpy; in this module, None stands for a frame or a list."""


def array_of(
    values: Sequence[Sequence[Any]], features: Sequence[str], columns: Sequence[Column | None], dtype: type[Any]
) -> Array:
    """Return values as an array of a type, shape (rows, features). Raises ContractError for those that do not fit.

    dtype: one of numpy's number types, or str for texts, which numpy stores as objects.
    """
    _require_fit(values, features, columns, dtype)
    if dtype in KNOWN and set(map(type, chain.from_iterable(values))) <= QUICK:
        return np.array(values, dtype)
    made = [[of_type(value, column, dtype) for column, value in zip(columns, row, strict=True)] for row in values]
    return np.array(made, object if dtype is str else dtype)


def checked(
    values: Sequence[Sequence[Any]], features: Sequence[str], columns: Sequence[Column | None]
) -> list[Sequence[Any]]:
    """Return values converted for their columns. Raises ContractError for those that do not fit."""
    _require_fit(values, features, columns, None)
    return [[of_column(value, column) for column, value in zip(columns, row, strict=True)] for row in values]


def merged(errors: Sequence[ContractError]) -> ContractError:
    """Merge the errors of several columns, or arrays, of the same rows."""
    violations = sorted(chain.from_iterable(error.violations for error in errors), key=lambda one: one.instance or 0)
    rows = set(chain.from_iterable(error.rows for error in errors))
    return ContractError(violations, sum(error.count for error in errors), rows=rows)


def _require_fit(
    values: Sequence[Sequence[Any]],
    features: Sequence[str],
    columns: Sequence[Column | None],
    dtype: type[Any] | None,
) -> None:
    """Raise ContractError with all rows that have a value that does not fit, and the first violations."""
    if not values:
        return
    by_column = zip(*values, strict=True)
    bad = np.array([unfit(each, column, dtype) for column, each in zip(columns, by_column, strict=True)]).T
    if not bad.any():
        return
    found = []
    for row, place in np.argwhere(bad)[:LISTED_VIOLATIONS].tolist():
        why = _misfit(values[row][place], columns[place], dtype)
        found.append(Violation(row, features[place], str(why), why.rule if why else ""))
    raise ContractError(found, int(bad.sum()), rows=np.flatnonzero(bad.any(axis=1)).tolist())


def unfit(values: Sequence[Any], column: Column | None, dtype: type[Any] | None) -> Array:
    """Return for each value whether its column, or an array of a type, rejects it."""
    if dtype is str or (dtype is None and column is not None and column.type == "string"):
        return np.array(_unfit_texts(values, column, dtype), np.bool_)
    if column is None and dtype is None:
        return np.zeros(len(values), np.bool_)
    if not _can_use_numpy(column, dtype):
        return np.array([_misfit(value, column, dtype) is not None for value in values], np.bool_)
    singly = [] if set(map(type, values)) <= QUICK - {int} else _special(values)
    quick = list(values)
    for place in singly:
        quick[place] = 0
    bad = _unfit_numbers(np.array(quick, np.float64), quick, column, dtype)
    for place in singly:
        bad[place] = _misfit(values[place], column, dtype) is not None
    return bad


def _unfit_texts(values: Sequence[Any], column: Column | None, dtype: type[Any] | None) -> list[bool]:
    known = frozenset((column.categories if column else None) or ())
    allows_none = dtype is None and column is not None and column.nullable
    return [
        (bool(known) and value not in known)
        if type(value) is str
        else (not allows_none if value is None else _misfit(value, column, dtype) is not None)
        for value in values
    ]


def _can_use_numpy(column: Column | None, dtype: type[Any] | None) -> bool:
    """Return whether float64 can represent the bounds and categories of a column exactly."""
    limits = () if column is None else (column.minimum, column.maximum, *(column.categories or ()))
    return dtype in KNOWN and not _special(limits)


def _special(values: Sequence[Any]) -> list[int]:
    """Return the indices of values that numpy may treat differently: other types, and integers that it would round."""
    return [
        place
        for place, value in enumerate(values)
        if type(value) not in QUICK or (type(value) is int and not -EXACT < value < EXACT)
    ]


def _unfit_numbers(numbers: Array, values: Sequence[Any], column: Column | None, dtype: type[Any] | None) -> Array:
    """Return for each of some plain numbers whether its column, or an array of a type, rejects it."""
    floating = dtype in FLOATING
    is_whole = dtype is np.int64 or (column is not None and column.type != "number")
    below, above = _ends(dtype, is_whole)
    missing = np.isnan(numbers)
    with np.errstate(over="ignore", invalid="ignore"):
        made = numbers.astype(np.float32).astype(np.float64) if dtype is np.float32 else numbers
        bad = ~((numbers > below) & (numbers < above))
        if is_whole:
            bad |= numbers != np.rint(numbers)
        if floating and (column is None or column.type != "number"):
            rounded = made != numbers
            if column is None and rounded.any():  # a fraction may be rounded
                rounded &= np.array([type(value) is not float for value in values], np.bool_)
            bad |= rounded
        if column is not None:
            bad |= _outside(numbers, made, column)
    is_open = column.nullable if column is not None else floating
    bad[missing] = not (is_open and dtype is not np.int64)
    return bad


def _outside(numbers: Array, made: Array, column: Column) -> Array:
    """Return for each number whether a column rejects both the number and its rounded value."""
    outside = np.zeros(len(numbers), np.bool_)
    if column.type == "boolean":
        outside |= (numbers != 0) & (numbers != 1)
    if column.minimum is not None:
        outside |= (numbers < column.minimum) & (made < column.minimum)
    if column.maximum is not None:
        outside |= (numbers > column.maximum) & (made > column.maximum)
    if column.categories:
        known = np.array(column.categories, np.float64)
        outside |= ~(np.isin(numbers, known) | np.isin(made, known))
    return outside


def _ends(dtype: type[Any] | None, is_whole: bool) -> tuple[float, float]:
    """Return the exclusive bounds of a number, as float64."""
    if dtype in FLOATING:
        return beyond(dtype)  # type: ignore[arg-type]  # one of two types
    # The bounds are exclusive, so the lower one is the next float64 below -2**63.
    ends = (np.nextafter(-float(WHOLE), -np.inf), float(WHOLE if dtype is np.int64 else 2 * WHOLE))
    return ends if is_whole else beyond(np.float64)


def _misfit(value: Any, column: Column | None, dtype: type[Any] | None) -> UnfitError | None:
    """Return the reason for which a column rejects a value, or None."""
    try:
        of_column(value, column) if dtype is None else of_type(value, column, dtype)
    except UnfitError as error:
        return error
    return None
