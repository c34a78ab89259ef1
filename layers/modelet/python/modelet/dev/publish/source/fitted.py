"""Read facts about the input columns from a fitted estimator: categories of encoders, and which columns are text."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer

from modelet.dev.publish.source.rows import is_missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from modelet.dev.publish.source.columns import Type

DEPTH = 12
"""The most levels of nested estimators."""

Said = tuple[str, list[Any], bool]
"""A column's name, its categories, whether it is text."""


@dataclass
class Known:
    """What the parts of an estimator show about one column. The type is None if unknown."""

    categories: list[Any] = field(default_factory=list)
    is_text: bool = False

    @property
    def type(self) -> Type | None:
        """Return the type that the column had at fit."""
        present = [value for value in self.categories if not is_missing(value)]
        if self.is_text or any(isinstance(value, str) for value in present):
            return "string"
        if not present:
            return None
        if all(isinstance(value, date | np.datetime64) for value in present):
            return "datetime" if all(isinstance(value, datetime | np.datetime64) for value in present) else "date"
        return "boolean" if all(isinstance(value, bool | np.bool_) for value in present) else "number"


def known_columns(estimator: Any, features: Sequence[str]) -> dict[str, Known]:
    """Return the facts about columns, by name. Only columns of encoders, imputers and vectorisers have any."""
    found: dict[str, Known] = {}
    for name, categories, is_text in _said(estimator, [str(name) for name in features], 0):
        known = found.setdefault(name, Known())
        known.categories.extend(categories)
        known.is_text |= is_text
    return found


def with_markers(frame: Any, known: Mapping[str, Known]) -> Any:
    """Replace missing values of a file's frame by those that the estimator was fitted with: None, or pandas' NA."""
    marked = {}
    for name, column in known.items():
        missing = [value for value in column.categories if is_missing(value)]
        is_marked = missing and (missing[0] is None or type(missing[0]).__name__ == "NAType")
        if is_marked and name in frame.columns and frame[name].isna().any():
            objects = frame[name].astype(object)
            marked[name] = objects.where(objects.notna(), missing[0])
    return frame.assign(**marked)


def _said(part: Any, names: list[str], depth: int) -> Iterator[Said]:
    """Yield the facts that a part shows about its columns. names: the columns of its input."""
    if depth > DEPTH:
        return
    if isinstance(part, CountVectorizer | HashingVectorizer):
        yield from ((name, [], True) for name in names)
    elif isinstance(part, ColumnTransformer):
        for _, transformer, selected in getattr(part, "transformers_", ()):
            yield from _said(transformer, _selected(names, selected), depth + 1)
    elif hasattr(part, "steps"):
        yield from _said_by_steps(part, names, depth)
    elif hasattr(part, "categories_"):
        yield from ((name, list(held), False) for name, held in zip(names, part.categories_, strict=False))
    elif hasattr(part, "statistics_"):  # an imputer
        filled = zip(names, np.ravel(part.statistics_).tolist(), strict=False)
        missing = getattr(part, "missing_values", math.nan)
        marks = [missing] if is_missing(missing) else []
        yield from ((name, marks, isinstance(value, str)) for name, value in filled)
    else:
        for inner in _inside(part):
            if getattr(inner, "n_features_in_", len(names)) == len(names):
                yield from _said(inner, names, depth + 1)


def _said_by_steps(pipeline: Any, names: list[str], depth: int) -> Iterator[Said]:
    """Yield the facts that the steps of a pipeline show, as long as they pass on the same columns."""
    for _, step in pipeline.steps:
        if getattr(step, "n_features_in_", len(names)) != len(names):
            return
        yield from _said(step, names, depth + 1)
        if hasattr(step, "categories_") or isinstance(step, ColumnTransformer | CountVectorizer | HashingVectorizer):
            return


def _selected(names: list[str], selected: Any) -> list[str]:
    """Return the names of the columns that a ColumnTransformer passes to one of its transformers."""
    if isinstance(selected, str):
        return [selected]
    if isinstance(selected, slice):
        if isinstance(selected.start, str) or isinstance(selected.stop, str):
            first = names.index(selected.start) if selected.start is not None else 0
            last = names.index(selected.stop) + 1 if selected.stop is not None else len(names)
            return names[first : last : selected.step]
        return names[selected]
    chosen = np.ravel(np.asarray(selected)).tolist()
    if chosen and all(isinstance(value, bool) for value in chosen):
        return [name for name, taken in zip(names, chosen, strict=False) if taken]
    return [value if isinstance(value, str) else names[value] for value in chosen]


def _inside(part: Any) -> Iterator[Any]:
    """Yield the estimators inside an estimator: the best one of a search, all of a vote or a calibration."""
    if not isinstance(part, BaseEstimator) and not type(part).__module__.startswith("sklearn"):
        return
    for name, value in (vars(part) if hasattr(part, "__dict__") else {}).items():
        if name in {"estimator", "estimators", "regressor"} and isinstance(part, BaseEstimator):
            continue  # the parameter, not the fitted estimator
        for item in value if isinstance(value, list | tuple) else (value,):
            inner = item[-1] if isinstance(item, tuple) and len(item) == 2 else item
            if isinstance(inner, BaseEstimator) or type(inner).__name__ == "_CalibratedClassifier":
                yield inner
