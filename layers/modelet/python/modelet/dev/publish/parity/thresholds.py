"""Generate values at the thresholds of trees, where one rounded bit sends a row to another branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.dev.publish.parity.origins import Origin, models
from modelet.dev.publish.source.rows import is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelet.dev.publish.source.rows import Rows

THRESHOLDS = 300
"""How many thresholds are tried at most, spread over all of them."""


def threshold_values(estimator: Any, rows: Rows) -> dict[int, list[float]]:
    """Values to try by column, for all trees inside an estimator: thresholds as they are in the columns.

    Forests and gradient boosting round every number to float32 before they compare it (sklearn.tree, `DTYPE`): they
    are tried at each threshold's float32 and at its two neighbours, and where a scaler stands before them also in the
    middle between two examples, where proper rows lie. Histogram gradient boosting compares doubles, so that its
    neighbourhoods always differ in float32: it is tried at those values of the examples that lie there, and behind a
    scaler at such middles.
    """
    pairs = sorted(_pairs(estimator, rows), key=lambda pair: (pair[0].place, *pair[1:], len(pair[0].scalers)))
    seen = {place: _seen(rows.column(place)) for place in {origin.place for origin, _, _ in pairs}}
    values: dict[int, list[float]] = {}
    for origin, threshold, is_histogram in pairs[:: 1 + len(pairs) // THRESHOLDS]:
        back, known = origin.back([threshold]), seen[origin.place]
        if not np.isfinite(back).all():
            continue
        found = _seen_near(back, known) if is_histogram else _around(back).tolist()
        if origin.scalers:
            found += _middle(back, known)
        values.setdefault(origin.place, []).extend(found)
    return values


def scales_for_trees(estimator: Any, rows: Rows) -> bool:
    """Whether a tree compares numbers that a scaler made: of a double and of its float32 these may differ."""
    return any(origin.scalers for origin, _, _ in _pairs(estimator, rows))


def _pairs(estimator: Any, rows: Rows) -> set[tuple[Origin, float, bool]]:
    """The thresholds of all trees with the origins of what they compare, and whether a histogram's tree does."""
    if rows.layout == "text":
        return set()
    numbers = [column.type in {"number", "integer"} and not column.categories for column in rows.columns]
    return {
        (origin, threshold, hasattr(model, "_predictors"))
        for model, origins in _models(estimator, len(numbers))
        for feature, threshold in _thresholds(model)
        if (origin := origins[feature]) is not None and numbers[origin.place]
    }


def _models(estimator: Any, count: int) -> list[tuple[Any, Sequence[Origin | None]]]:
    try:
        return list(models(estimator, [Origin(place) for place in range(count)]))
    except Exception:  # noqa: BLE001 - parts that somebody else wrote raise what they like
        return []


def _thresholds(model: Any) -> list[tuple[int, float]]:
    """The features and thresholds of a tree, or of histogram gradient boosting; of another model none."""
    if hasattr(model, "tree_"):
        pairs = zip(model.tree_.feature.tolist(), model.tree_.threshold.tolist(), strict=True)
        # Leaves have no feature; missing values split at infinity.
        return [(feature, threshold) for feature, threshold in pairs if feature >= 0 and np.isfinite(threshold)]
    return _histogram_thresholds(model) if hasattr(model, "_predictors") else []


def _around(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Each threshold as float32, and the float32 numbers next to it."""
    rounded = thresholds.astype(np.float32)
    below, above = np.float32(-np.inf), np.float32(np.inf)
    return np.concatenate([rounded, np.nextafter(rounded, below), np.nextafter(rounded, above)])


def _seen(observed: Any) -> NDArray[np.float64]:
    """The different values of a column, in their order."""
    return np.unique(np.asarray([value for value in observed if not is_missing(value)], dtype=np.float64))


def _seen_near(thresholds: NDArray[np.float64], seen: NDArray[np.float64]) -> list[float]:
    """The values of the examples that are a threshold, or next to one, once they are float32."""
    found: list[float] = seen[np.isin(seen.astype(np.float32), _around(thresholds))].tolist()
    return found


def _middle(threshold: NDArray[np.float64], seen: NDArray[np.float64]) -> list[float]:
    """The middle between the two values next to a threshold, as float32 has it."""
    place = int(np.searchsorted(seen, threshold[0]))
    return [float(np.float32((seen[place - 1] + seen[place]) / 2))] if 0 < place < len(seen) else []


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
