"""Values at the thresholds of trees, where one rounded bit sends a row down another branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.dev.publish.parts import parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelet.dev.publish.rows import Rows

THRESHOLDS = 300
"""How many thresholds are tried at most, spread over all of them."""


def threshold_values(estimator: Any, rows: Rows) -> dict[int, list[float]]:
    """Values to try by column, for tree ensembles that read the columns themselves; nothing for other estimators.

    Forests and gradient boosting round every number to float32 before they compare it (sklearn.tree, `DTYPE`): they
    are tried at each threshold's float32 and at its two neighbours. Histogram gradient boosting compares doubles, so
    that its neighbourhoods always differ in float32: it is tried at those values of the examples that lie there.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.ensemble._forest import BaseForest  # the only names for all forests and boosted trees
    from sklearn.ensemble._gb import BaseGradientBoosting
    from sklearn.tree import BaseDecisionTree

    if rows.layout != "matrix":
        return {}
    if isinstance(estimator, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
        pairs = _histogram_thresholds(estimator)
        return {
            place: _seen_near(np.array([t for p, t in pairs if p == place]), rows.column(place))
            for place in {place for place, _ in pairs}
        }
    if not isinstance(estimator, BaseForest | BaseGradientBoosting | BaseDecisionTree):
        return {}
    trees = [part.tree_ for part in parts(estimator) if hasattr(part, "tree_")]
    pairs = sorted(
        {
            (int(place), float(threshold))
            for tree in trees
            for place, threshold in zip(tree.feature, tree.threshold, strict=True)
            if place >= 0 and np.isfinite(threshold)  # missing values split at infinity
        }
    )
    values: dict[int, list[float]] = {}
    for place, threshold in pairs[:: 1 + len(pairs) // THRESHOLDS]:
        values.setdefault(place, []).extend(_around(np.array([threshold])).tolist())
    return values


def _around(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Each threshold as float32, and the float32 numbers next to it."""
    rounded = thresholds.astype(np.float32)
    below, above = np.float32(-np.inf), np.float32(np.inf)
    return np.concatenate([rounded, np.nextafter(rounded, below), np.nextafter(rounded, above)])


def _seen_near(thresholds: NDArray[np.float64], observed: Any) -> list[float]:
    """The values of the examples that are a threshold, or next to one, once they are float32."""
    seen = np.unique(np.asarray(observed, dtype=np.float64))
    found: list[float] = seen[np.isin(seen.astype(np.float32), _around(thresholds))].tolist()
    return found[:THRESHOLDS]


def _histogram_thresholds(estimator: Any) -> list[tuple[int, float]]:
    if estimator.is_categorical_ is not None:
        return []
    return [
        (int(node["feature_idx"]), float(node["num_threshold"]))
        for predictors in estimator._predictors  # its only home
        for predictor in predictors
        for node in predictor.nodes
        if not node["is_leaf"]
    ]
