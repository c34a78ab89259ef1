"""Make the contract of a function without a class from the columns of its version."""

from __future__ import annotations

from math import ceil, floor, inf
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired

from annotated_types import Ge, Le
from typing_extensions import TypedDict

from modelet.dev.bundle.moments import AWARE_DATETIME, DATE, NAIVE_DATETIME, is_aware
from modelet.dev.bundle.prediction import prediction_type
from modelet.errors import CommandError

if TYPE_CHECKING:
    from modelet.store.manifest import Column, Manifest

SCALARS: dict[str, Any] = {
    "number": float,
    "integer": int,
    "string": str,
    "boolean": bool,
    "datetime": NAIVE_DATETIME,
    "date": DATE,
}


def column_types(manifest: Manifest, *, probabilities: bool = True) -> tuple[Any, Any]:
    """Return the types of one instance and one prediction. Raises CommandError if the version has too little data.

    probabilities: whether a classifier returns those of all labels.
    """
    if not manifest.columns:
        raise CommandError(
            f"version {manifest.version} of {manifest.name} names no columns, so it needs a class: "
            "write app.py, or publish it with examples that have named columns"
        )
    # The types are made from data, which a type checker cannot follow: TypedDict and Literal are plain callables here.
    typed_dict: Any = TypedDict
    zoned = {name for name, one in zip(manifest.features, manifest.frame, strict=False) if is_aware(one.dtype)}
    fields = {column.name: _column_type(column, is_zoned=column.name in zoned) for column in manifest.columns}
    instance = typed_dict("Instance", fields)
    return instance, prediction_type(manifest, probabilities=probabilities)


def _column_type(column: Column, *, is_zoned: bool) -> Any:
    kind = AWARE_DATETIME if is_zoned else _categories(column) if column.categories else _bounded(column)
    return NotRequired[kind | None] if column.nullable else kind


def _categories(column: Column) -> Any:
    """Return the type of the categories within the bounds, because an additional constraint would need pydantic."""
    low, high = bounds_of(column)
    low, high = -inf if low is None else low, inf if high is None else high
    within = [one for one in column.categories or () if isinstance(one, str) or low <= one <= high]
    if not within:
        raise CommandError(f"column {column.name} has no category within its bounds: publish it without the bounds")
    return Literal.__getitem__(tuple(within))


def _bounded(column: Column) -> Any:
    kind: Any = SCALARS[column.type]
    low, high = bounds_of(column)
    if low is not None:
        kind = Annotated[kind, Ge(low)]
    if high is not None:
        kind = Annotated[kind, Le(high)]
    return kind


def bounds_of(column: Column) -> tuple[float | None, float | None]:
    """Return a column's bounds for its type: whole numbers have whole bounds."""
    low, high = column.minimum, column.maximum
    if column.type != "integer":
        return low, high
    return None if low is None else ceil(low), None if high is None else floor(high)
