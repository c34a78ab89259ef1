"""Derive columns from examples, or check given columns against them."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from modelet.dev.publish.source.moments import unservable
from modelet.dev.publish.source.rows import TEXT, is_frame, is_missing
from modelet.errors import PublishError
from modelet.store.manifest import BOUNDS, Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.dev.publish.source.rows import Rows

Type = Literal["number", "integer", "string", "boolean", "datetime", "date"]
KINDS: dict[str, Type] = {"f": "number", "i": "integer", "u": "integer", "b": "boolean", "M": "datetime"}
"""Column types by numpy's kind of dtype."""
ENVELOPE = "instances"
EMPTY = "give some rows a value, or pass --types {}=number if it is a number column of a CSV file"
"""The remedy for a column without any value."""

CATEGORIES: dict[str, tuple[type, ...]] = {
    "number": (int, float, np.number),
    "integer": (int, float, np.number),
    "string": (str,),
    "boolean": (bool, np.bool_),
    "datetime": (),
    "date": (),
}
"""The types of a column's categories."""


def columns_of(
    examples: Any, feature_names: Sequence[str] | None = None, *, bounded: bool = False
) -> tuple[Column, ...]:
    """Return the columns of some examples: name, type, whether values may be missing, and pandas' categories.

    examples: a list of texts, an array of shape (rows, features) or a DataFrame. bounded: use the smallest and largest
    number of each column as its bounds, so that requests outside them are rejected. Raises PublishError.
    """
    if is_frame(examples):
        names = [str(name) for name in examples.columns]
        values = [examples.iloc[:, place] for place in range(len(names))]
    else:
        array = np.asarray(examples)
        if array.ndim == 1:
            [name] = _names(feature_names, 1, TEXT)
            _check_free([name])
            return (Column(name, "string"),)
        names = _names(feature_names, array.shape[1])
        values = [array[:, place] for place in range(array.shape[1])]
    if len(set(names)) < len(names):
        raise PublishError("two columns of the examples have the same name: rename one of them")
    _check_free(names)
    return tuple(_column(name, value, bounded) for name, value in zip(names, values, strict=True))


def _check_free(names: Sequence[str]) -> None:
    if ENVELOPE in names:
        raise PublishError(
            f"a column cannot be called {ENVELOPE}, which is reserved for a request's rows: rename it before the fit"
        )


def check_columns(columns: Sequence[Column], rows: Rows) -> None:
    """Check an author's columns against the examples. Raises PublishError that names the column."""
    derived = rows.columns
    if [column.name for column in columns] != [column.name for column in derived]:
        raise PublishError(
            f"columns has {', '.join(column.name for column in columns)}, "
            f"but the examples have {', '.join(rows.features)}: list each of these once, in this order"
        )
    for each in columns:
        if nonsense := _nonsense(each):
            raise PublishError(f"column {each.name} {nonsense}")
    for place, (given, found) in enumerate(zip(columns, derived, strict=True)):
        if wrong := _contradiction(given, found, _present(rows.column(place))):
            raise PublishError(f"column {given.name} {wrong}")


def _contradiction(given: Column, found: Column, values: Sequence[Any]) -> str | None:
    """Return how the examples contradict a column, or None if they do not.

    found: the column derived from the examples. values: those that are not missing.
    """
    if given.type != found.type and {given.type, found.type} != {"number", "integer"}:
        return f"is {given.type}, but the examples have {found.type} values"
    if found.nullable and not given.nullable:
        return "is missing in some examples: set nullable=True"
    if given.type == "integer" and found.type == "number" and any(value != int(value) for value in values):
        return "is integer, but the examples have fractions: use number"
    if given.categories and (strange := [value for value in values if value not in given.categories]):
        return f"has no category {strange[0]!r}, which is in the examples"
    return _beyond(given, values) if len(values) else None


def _beyond(given: Column, values: Sequence[Any]) -> str | None:
    if given.minimum is not None and min(values) < given.minimum:
        return f"has minimum {given.minimum:g}, but the examples have {min(values):g}"
    if given.maximum is not None and max(values) > given.maximum:
        return f"has maximum {given.maximum:g}, but the examples have {max(values):g}"
    return None


def _nonsense(column: Column) -> str | None:
    """Return why a column is not valid in itself, or None if it is."""
    for name in BOUNDS:
        bound = getattr(column, name)
        if bound is not None and column.type in {"string", "datetime", "date"}:
            return f"is {column.type}, which has no {name}: remove it"
        if bound is not None and not math.isfinite(bound):
            return f"has {name} {bound}: use a finite number, or None for no bound"
    if column.categories is None:
        return None
    if not column.categories:
        return "has no categories: list all of them, or use None to allow any value"
    kinds = CATEGORIES[column.type]
    strange = [
        value
        for value in column.categories
        if not isinstance(value, kinds) or (isinstance(value, bool) and column.type != "boolean")
    ]
    return f"is {column.type}, but its category {strange[0]!r} is not: use values of that type" if strange else None


def _names(given: Sequence[str] | None, count: int, single: str | None = None) -> list[str]:
    if given is None:
        return [single] if single else [f"x{place}" for place in range(count)]
    if len(given) != count:
        raise PublishError(f"feature_names has {len(given)} names for {count} columns: give one name for each column")
    return [str(name) for name in given]


def _column(name: str, values: Any, bounded: bool) -> Column:
    present = _present(values)
    nullable = len(present) < len(values)
    kind = KINDS.get(getattr(values.dtype, "kind", "O"))
    categories = getattr(values.dtype, "categories", None)
    if kind == "datetime" and (why := unservable(values)):
        raise PublishError(f"column {name} of the examples {why}")
    if kind is None:
        kind = _kind(name, present)
    if kind in {"datetime", "date"} and categories is not None:
        raise PublishError(f"column {name} has {kind}s as categories: use texts as categories, or no categories")
    numeric = kind in {"number", "integer"} and len(present) > 0
    if numeric and not np.isfinite([min(present), max(present)]).all():
        raise PublishError(f"column {name} has infinity, which JSON does not support: make it missing, or bound it")
    bounded = bounded and numeric and categories is None  # categories are bounds already
    return Column(
        name,
        kind,
        nullable=nullable,
        categories=tuple(_plain(value) for value in categories) if categories is not None else None,
        minimum=float(min(present)) if bounded else None,
        maximum=float(max(present)) if bounded else None,
    )


def _present(values: Any) -> list[Any]:
    """Return the values that are not missing, as plain Python values."""
    return [_plain(value) for value in values if not is_missing(value)]


def _kind(name: str, present: Sequence[Any]) -> Type:
    """Return the type of a column of Python objects."""
    if not present:
        raise PublishError(f"column {name} of the examples is empty: {EMPTY.format(name)}")
    for accepted, kind in (((str,), "string"), ((bool,), "boolean"), ((int,), "integer"), ((int, float), "number")):
        if all(isinstance(value, accepted) for value in present):
            return kind  # type: ignore[return-value] # mypy widens the literals of a tuple
    types = set(map(type, present))
    if types == {date}:
        return "date"
    if types == {datetime} and all(value.tzinfo is None for value in present):
        return "datetime"
    held = " and ".join(sorted(kind.__name__ for kind in types))
    if all(issubclass(kind, datetime) for kind in types):
        raise PublishError(f"column {name} has {held} objects: convert it with pd.to_datetime before the fit")
    raise PublishError(
        f"column {name} has {held}: use only texts, whole numbers, numbers, booleans, datetimes or dates"
    )


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
