"""LightGBM's models as ensembles. Its thresholds and sums are doubles, and stay so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.dev.publish.boosting.lightgbm import booster_of, json_of, nodes_of
from modelet.dev.publish.onnx.ensembles import Boosted, Forest, Split
from modelet.dev.publish.onnx.kinds import SKLEARN
from modelet.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Iterator

LINKS = {
    "multiclass": "SOFTMAX",
    "multiclassova": "LOGISTIC",
    "cross_entropy": "LOGISTIC",
    "poisson": "EXP",
    "gamma": "EXP",
    "tweedie": "EXP",
    **dict.fromkeys(
        ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg"), "NONE"
    ),
}
"""How the scores of an objective become predictions."""

ZERO = float(np.float32(1e-35))
"""LightGBM takes a number up to this one, or down to its negative, for zero (meta.h, kZeroThreshold)."""

MOST = 1e300
"""How LightGBM writes a threshold that is infinite."""


def boosted(estimator: Any) -> Boosted:
    """Return a model's trees. Raises ConversionError by name for what a graph would predict differently."""
    model = json_of(booster_of(estimator))
    _check(model, type(estimator).__name__)
    forest = Forest()
    scores = int(model["num_tree_per_iteration"])
    for place, tree in enumerate(model["tree_info"]):
        _write(forest, tree["tree_structure"], place % scores)
    link = _link(model.get("objective", ""), type(estimator).__name__)
    return Boosted(forest, [0.0] * scores, link, np.float64)


def _check(model: dict[str, Any], name: str) -> None:
    nodes = [node for tree in model["tree_info"] for node in nodes_of(tree["tree_structure"])]
    if model.get("average_output"):
        raise ConversionError(f"{name} with boosting_type='rf' averages its trees: train with 'gbdt', {SKLEARN}")
    if any("leaf_coeff" in node for node in nodes):
        raise ConversionError(f"{name} with linear_tree=True has linear leaves: train without it, {SKLEARN}")
    if any(node.get("missing_type") == "Zero" for node in nodes):
        raise ConversionError(f"{name} with zero_as_missing=True takes 0 for missing: train without it, {SKLEARN}")


def _link(objective: str, name: str) -> str:
    kind, _, options = objective.partition(" ")
    if kind == "binary":
        if "sigmoid:1" in options.split():
            return "LOGISTIC"
        raise ConversionError(f"{name} has another slope of its sigmoid than 1: train with sigmoid=1, {SKLEARN}")
    if kind == "multiclassova" and "sigmoid:1" not in options.split():
        raise ConversionError(f"{name} has another slope of its sigmoid than 1: train with sigmoid=1, {SKLEARN}")
    if kind not in LINKS or "sqrt" in options.split():
        raise ConversionError(
            f"{name} has the objective {objective or 'of its own'}, which has no graph: {SKLEARN[3:]}"
        )
    return LINKS[kind]


def _write(forest: Forest, root: dict[str, Any], score: int) -> None:
    tree = forest.start()
    free = _numbers()
    waiting = [(root, next(free))]
    while waiting:
        node, number = waiting.pop()
        if "leaf_value" in node:
            forest.leaf(tree, number, [(score, float(node["leaf_value"]))])
            continue
        true, false = next(free), next(free)
        waiting += [(node["left_child"], true), (node["right_child"], false)]
        feature = int(node["split_feature"])
        if node["decision_type"] == "==":
            codes = [float(code) for code in str(node["threshold"]).split("||")]
            numbers = [number, *(next(free) for _ in codes[1:])]
            for code, here, after in zip(codes, numbers, [*numbers[1:], false], strict=True):
                forest.split(tree, here, Split(feature, "BRANCH_EQ", code, is_missing_true=False), true, after)
            continue
        threshold = compared(float(node["threshold"]))
        # Where training saw no missing value, LightGBM takes one for 0 (tree.h, NumericalDecision).
        goes_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0
        forest.split(tree, number, Split(feature, "BRANCH_LEQ", threshold, bool(goes_left)), true, false)


def compared(threshold: float) -> float:
    """Return a threshold that sends each number the same way as LightGBM does.

    LightGBM takes numbers near zero for zero before it compares them (predictor.hpp), and its description of a model
    has 1e300 for a threshold that no number is above.
    """
    if threshold >= MOST:
        return float(np.finfo(np.float64).max)
    if -ZERO <= threshold < 0:
        return float(np.nextafter(-ZERO, -np.inf))
    return ZERO if 0 <= threshold < ZERO else threshold


def _numbers() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1
