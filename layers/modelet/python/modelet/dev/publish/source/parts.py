"""The estimators inside an estimator: the steps of a pipeline, the trees of a forest, the columns of a transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags

from modelet.dev.publish.boosting.libraries import is_bare, library_of

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPTH = 8
"""The most levels of nested containers in an estimator; deeper ones are data."""


def parts(estimator: object) -> Iterator[BaseEstimator]:
    """Yield the estimator and every estimator inside it, each once."""
    seen: set[int] = set()
    waiting: list[tuple[object, int]] = [(estimator, 0)]
    while waiting:
        item, depth = waiting.pop()
        if id(item) in seen or depth > DEPTH:
            continue
        seen.add(id(item))
        # CatBoost's estimators derive from no class of scikit-learn.
        if isinstance(item, BaseEstimator) or (library_of(item) and not is_bare(item)):
            yield item
            inside: Any = vars(item).values()
            depth = 0
        elif isinstance(item, dict):
            inside = item.values()
        elif isinstance(item, list | tuple) or (hasattr(item, "dtype") and item.dtype == object):
            inside = item
        else:
            # Calibrated classifiers and other helpers contain estimators but are not estimators.
            inside = (
                vars(item).values() if type(item).__module__.startswith("sklearn") and hasattr(item, "__dict__") else ()
            )
        waiting.extend((value, depth + 1) for value in inside)


def kind_of(estimator: Any) -> str | None:
    """Return "classifier", "regressor" or another kind of scikit-learn's, or None for other objects.

    A model that ranks predicts a number, so that it is a regressor.
    """
    try:
        kind: str | None = get_tags(estimator).estimator_type
    except (AttributeError, TypeError):
        return None
    return "regressor" if kind is None and library_of(final(estimator)) else kind


def is_fitted(part: BaseEstimator) -> bool:
    """Return whether a part is fitted: its learned attributes end with an underscore."""
    return any(name.endswith("_") and not name.startswith("_") for name in vars(part))


def final(estimator: Any) -> Any:
    """Return the last step of a pipeline, or the estimator itself."""
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def names_columns(estimator: object) -> bool:
    """Return whether a part selects columns by name."""
    from sklearn.compose import ColumnTransformer

    picked = [
        columns
        for part in parts(estimator)
        if isinstance(part, ColumnTransformer)
        for _, _, columns in getattr(part, "transformers_", part.transformers)
    ]
    return any(
        isinstance(name, str)
        for columns in picked
        for name in ([columns.start, columns.stop] if isinstance(columns, slice) else np.ravel(columns).tolist())
    )


def vectorizers(estimator: object) -> list[Any]:
    """Return the parts that split text into tokens."""
    from sklearn.feature_extraction.text import CountVectorizer

    return [part for part in parts(estimator) if isinstance(part, CountVectorizer)]


def splits_characters(estimator: object) -> bool:
    """Return whether a part makes character n-grams."""
    return any(part.analyzer != "word" for part in vectorizers(estimator))


def reads_text(estimator: Any) -> bool:
    """Return whether the estimator takes texts instead of columns."""
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer

    first = estimator
    while hasattr(first, "steps"):
        first = first.steps[0][1]
    if hasattr(first, "transformer_list"):
        return all(reads_text(step) for _, step in first.transformer_list)
    return isinstance(first, CountVectorizer | HashingVectorizer)
