"""Generated values at the thresholds of trees, where one rounded bit sends a row to another branch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.dev.publish.boosting.libraries import library_of
from modelet.dev.publish.parity.origins import Origin, models
from modelet.dev.publish.source.rows import is_missing
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelet.dev.publish.source.rows import Rows

THRESHOLDS = 300
"""The most thresholds that are tried, spread over all of them."""


def threshold_values(estimator: Any, rows: Rows) -> dict[int, list[float]]:
    """Return values to try, by column, for all trees inside an estimator: the thresholds, converted back to columns.

    Forests and gradient boosting round every number to float32 before they compare it (sklearn.tree, `DTYPE`);
    histogram gradient boosting compares doubles. So each threshold is tried with the numbers next to it as float32 and,
    if the graph takes doubles, also as double. If a scaler comes before the trees, so is the middle between two
    examples, where typical rows lie.
    """
    pairs = sorted(_pairs(estimator, rows), key=lambda pair: (pair[0].place, pair[1], len(pair[0].scalers)))
    seen = {place: _seen(rows.column(place)) for place in {origin.place for origin, _ in pairs}}
    values: dict[int, list[float]] = {}
    for origin, threshold in pairs[:: 1 + len(pairs) // THRESHOLDS]:
        back = origin.back([threshold])
        if not np.isfinite(back).all():
            continue
        is_double = rows.input_type(rows.columns[origin.place]) is np.float64
        kinds: list[type[Any]] = [np.float32, np.float64] if is_double else [np.float32]
        found = [back, *(_middle(back, seen[origin.place]) for _ in origin.scalers[:1])]
        tried = [value for each in found for kind in kinds for value in _around(each, kind)]
        values.setdefault(origin.place, []).extend(tried)
    return values


def _pairs(estimator: Any, rows: Rows) -> set[tuple[Origin, float]]:
    """Return the thresholds of all trees, with the origins of the features that they compare."""
    if rows.layout == "text":
        return set()
    numbers = [column.type in {"number", "integer"} and not column.categories for column in rows.columns]
    return {
        (origin, threshold)
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
    """Return the features and thresholds of a tree or of histogram gradient boosting; none for another model."""
    if hasattr(model, "tree_"):
        pairs = zip(model.tree_.feature.tolist(), model.tree_.threshold.tolist(), strict=True)
        # Leaves have no feature; missing values split at infinity.
        return [(feature, threshold) for feature, threshold in pairs if feature >= 0 and np.isfinite(threshold)]
    if (library := library_of(model)) is not None:
        return _booster_thresholds(model, library)
    return _histogram_thresholds(model) if hasattr(model, "_predictors") else []


def _booster_thresholds(model: Any, library: str) -> list[tuple[int, float]]:
    """Return the thresholds of a booster of another library; none if it has no graph."""
    try:
        forest = import_module(f"modelet.dev.publish.onnx.{library}").boosted(model).forest
    except PublishError:
        return []
    return [(feature, value) for _, _, feature, mode, value, *_ in forest.nodes if mode not in {"LEAF", "BRANCH_EQ"}]


def _around(thresholds: NDArray[np.float64], kind: type[Any]) -> list[float]:
    """Return each threshold as the numpy type represents it, and the numbers next to it in that type."""
    below, above = kind(-np.inf), kind(np.inf)
    with np.errstate(over="ignore"):  # thresholds of missing values lie at the end of a type's range
        rounded = thresholds.astype(kind)
        tried = [rounded, np.nextafter(rounded, below), np.nextafter(rounded, above)]
    found: list[float] = np.concatenate(tried).tolist()
    return found


def _seen(observed: Any) -> NDArray[np.float64]:
    """Return the distinct values of a column, sorted."""
    return np.unique(np.asarray([value for value in observed if not is_missing(value)], dtype=np.float64))


def _middle(threshold: NDArray[np.float64], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middle between the two values next to a threshold."""
    place = int(np.searchsorted(seen, threshold[0]))
    return (seen[place - 1 : place] + seen[place : place + 1]) / 2 if 0 < place < len(seen) else seen[:0]


def _histogram_thresholds(estimator: Any) -> list[tuple[int, float]]:
    if estimator.is_categorical_ is not None:
        return []
    return [
        (int(node["feature_idx"]), float(node["num_threshold"]))
        for predictors in estimator._predictors  # no public attribute
        for predictor in predictors
        for node in predictor.nodes
        if not node["is_leaf"] and np.isfinite(node["num_threshold"])  # missing values split at infinity
    ]
