"""Columns, derived from examples or checked against them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from modelet.dev.publish.source.rows import TEXT, is_frame, is_missing
from modelet.errors import PublishError
from modelet.store.manifest import BOUNDS, Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.dev.publish.source.rows import Rows

Type = Literal["number", "integer", "string", "boolean"]
KINDS: dict[str, Type] = {"f": "number", "i": "integer", "u": "integer", "b": "boolean"}
"""Column types by numpy's kind of dtype."""
ENVELOPE = "instances"
EMPTY = "give some rows a value, or say --types {}=number where it is one of a CSV file"
"""What to do about a column without any value."""

CATEGORIES: dict[str, tuple[type, ...]] = {
    "number": (int, float, np.number),
    "integer": (int, float, np.number),
    "string": (str,),
    "boolean": (bool, np.bool_),
}
"""What a column's categories may be."""


def columns_of(
    examples: Any, feature_names: Sequence[str] | None = None, *, bounded: bool = False
) -> tuple[Column, ...]:
    """What each feature of some examples may be: name, type, whether it may be missing, pandas' categories.

    examples: a list of texts, an array of shape (rows, features) or a DataFrame. bounded: also take each number's
    least and greatest value as its bounds, so that a request beyond them is refused. Raises PublishError.
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
        raise PublishError("two columns of the examples have the same name: give each its own")
    _check_free(names)
    return tuple(_column(name, value, bounded) for name, value in zip(names, values, strict=True))


def _check_free(names: Sequence[str]) -> None:
    if ENVELOPE in names:
        raise PublishError(
            f"a column cannot be called {ENVELOPE}, which is what a request calls its rows: rename it before the fit"
        )


def check_columns(columns: Sequence[Column], rows: Rows) -> None:
    """Refuse columns that an author gave and that the examples contradict. Raises PublishError naming the column."""
    derived = rows.columns
    if [column.name for column in columns] != [column.name for column in derived]:
        raise PublishError(
            f"columns names {', '.join(column.name for column in columns)}, "
            f"but the examples have {', '.join(rows.features)}: name each once, in that order"
        )
    for each in columns:
        if nonsense := _nonsense(each):
            raise PublishError(f"column {each.name} {nonsense}")
    for place, (given, found) in enumerate(zip(columns, derived, strict=True)):
        if wrong := _contradiction(given, found, _present(rows.column(place))):
            raise PublishError(f"column {given.name} {wrong}")


def _contradiction(given: Column, found: Column, values: Sequence[Any]) -> str | None:
    """What the examples say against a column; None where nothing is.

    found: what they would make of it. values: those that are there.
    """
    if given.type != found.type and {given.type, found.type} != {"number", "integer"}:
        return f"is {given.type}, but the examples hold {found.type} values"
    if found.nullable and not given.nullable:
        return "is missing in some examples: say nullable=True"
    if given.type == "integer" and found.type == "number" and any(value != int(value) for value in values):
        return "is integer, but the examples hold fractions: say number"
    if given.categories and (strange := [value for value in values if value not in given.categories]):
        return f"has no category {strange[0]!r}, which the examples hold"
    return _beyond(given, values) if len(values) else None


def _beyond(given: Column, values: Sequence[Any]) -> str | None:
    if given.minimum is not None and min(values) < given.minimum:
        return f"has minimum {given.minimum:g}, but the examples hold {min(values):g}"
    if given.maximum is not None and max(values) > given.maximum:
        return f"has maximum {given.maximum:g}, but the examples hold {max(values):g}"
    return None


def _nonsense(column: Column) -> str | None:
    """What is wrong with a column whatever the examples hold; None where nothing is."""
    for name in BOUNDS:
        bound = getattr(column, name)
        if bound is not None and not math.isfinite(bound):
            return f"has {name} {bound}: say a number, or None where there is no bound"
    if column.categories is None:
        return None
    if not column.categories:
        return "has no categories: name all that there are, or say None where there are any"
    kinds = CATEGORIES[column.type]
    strange = [
        value
        for value in column.categories
        if not isinstance(value, kinds) or (isinstance(value, bool) and column.type != "boolean")
    ]
    return (
        f"is {column.type}, but {strange[0]!r} among its categories is not: name values of that type"
        if strange
        else None
    )


def _names(given: Sequence[str] | None, count: int, single: str | None = None) -> list[str]:
    if given is None:
        return [single] if single else [f"x{place}" for place in range(count)]
    if len(given) != count:
        raise PublishError(f"feature_names has {len(given)} names for {count} columns: name each once")
    return [str(name) for name in given]


def _column(name: str, values: Any, bounded: bool) -> Column:
    present = _present(values)
    nullable = len(present) < len(values)
    kind = KINDS.get(getattr(values.dtype, "kind", "O"))
    categories = getattr(values.dtype, "categories", None)
    if kind is None:
        kind = _kind(name, present)
    numeric = kind in {"number", "integer"} and len(present) > 0
    if numeric and not np.isfinite([min(present), max(present)]).all():
        raise PublishError(f"column {name} holds infinity, which JSON cannot carry: leave it missing, or bound it")
    bounded = bounded and numeric and categories is None  # which bound it already
    return Column(
        name,
        kind,
        nullable=nullable,
        categories=tuple(_plain(value) for value in categories) if categories is not None else None,
        minimum=float(min(present)) if bounded else None,
        maximum=float(max(present)) if bounded else None,
    )


def _present(values: Any) -> list[Any]:
    """The values that are not missing, as Python's own."""
    return [_plain(value) for value in values if not is_missing(value)]


def _kind(name: str, present: Sequence[Any]) -> Type:
    """The type of a column of Python objects."""
    if not present:
        raise PublishError(f"column {name} of the examples is empty: {EMPTY.format(name)}")
    for accepted, kind in (((str,), "string"), ((bool,), "boolean"), ((int,), "integer"), ((int, float), "number")):
        if all(isinstance(value, accepted) for value in present):
            return kind  # type: ignore[return-value] # mypy widens the literals of a tuple
    held = sorted({type(value).__name__ for value in present})
    raise PublishError(f"column {name} holds {' and '.join(held)}: make it texts, whole numbers, numbers or booleans")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
