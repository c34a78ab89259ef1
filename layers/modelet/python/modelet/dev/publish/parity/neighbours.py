"""Search for rows whose nearest neighbours tie, because a graph may choose other neighbours than the estimator.

Of examples at equal distance, scikit-learn takes those that its search meets first, and a graph those that come first.
Integers, flags and other columns with few values tie for typical rows, but seldom for random ones.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from modelet.dev.publish.source.parts import is_fitted, parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from modelet.dev.publish.source.rows import Rows


def has_neighbours(estimator: Any) -> bool:
    """Return whether nearest neighbours decide the prediction."""
    return any(_predictors(estimator))


def tied(estimator: Any, rows: Rows) -> list[int]:
    """Return the indices of rows whose last neighbour is as near as the first one that is left out."""
    found = np.zeros(len(rows), dtype=np.bool_)
    for predictor, data in _asked(estimator, rows):
        count = predictor.n_neighbors
        if count >= predictor.n_samples_fit_:
            continue
        distances, _ = predictor.kneighbors(data, n_neighbors=count + 1)
        # Distances that differ only in their last digits are equal in a graph, which computes in float32.
        found |= np.isclose(distances[:, count - 1], distances[:, count], rtol=1e-6, atol=0.0)
    places: list[int] = np.flatnonzero(found).tolist()
    return places


def _predictors(estimator: Any) -> Iterator[Any]:
    kinds = KNeighborsClassifier | KNeighborsRegressor
    return (part for part in parts(estimator) if isinstance(part, kinds) and is_fitted(part))


def _asked(estimator: Any, rows: Rows) -> Iterator[tuple[Any, NDArray[Any]]]:
    """Yield each nearest-neighbours predictor with its input for the rows, if that can be determined."""
    data: Any = rows.data
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # an array lacks a DataFrame's names
        if steps := getattr(estimator, "steps", None):
            data = estimator[:-1].transform(data) if len(steps) > 1 else data
            estimator = steps[-1][1]
        for predictor in _predictors(estimator):
            # A predictor inside another estimator may get other columns, or NaN.
            if getattr(data, "shape", (0, 0))[1] == predictor.n_features_in_ and not np.isnan(_dense(data)).any():
                yield predictor, data


def _dense(data: Any) -> NDArray[np.float64]:
    return np.asarray(data.toarray() if hasattr(data, "toarray") else data, dtype=np.float64)
