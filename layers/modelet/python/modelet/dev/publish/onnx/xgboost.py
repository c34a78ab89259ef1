"""XGBoost's models as ensembles. It compares and adds in single precision."""

from __future__ import annotations

import json
from itertools import count
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.dev.publish.boosting.xgboost import json_of, objective_of, served
from modelet.dev.publish.onnx.ensembles import Boosted, Forest, Split
from modelet.dev.publish.onnx.kinds import SKLEARN
from modelet.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Mapping

LINKS = {
    "binary:logistic": "LOGISTIC",
    "multi:softprob": "SOFTMAX",
    **dict.fromkeys(("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox"), "EXP"),
    **dict.fromkeys(
        (
            *("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:squaredlogerror"),
            *("reg:quantileerror", "rank:ndcg", "rank:map", "rank:pairwise"),
        ),
        "NONE",
    ),
}
"""How the scores of an objective become predictions."""


def boosted(estimator: Any) -> Boosted:
    """Return a model's trees. Raises ConversionError by name for what a graph would predict differently."""
    name = type(estimator).__name__
    model = json_of(served(estimator))
    learner = model["learner"]
    _check(learner, name)
    objective = objective_of(model)
    if objective not in LINKS:
        raise ConversionError(f"{name} has the objective {objective}, which has no exact graph: use another, {SKLEARN}")
    link, trees = LINKS[objective], learner["gradient_booster"]["model"]
    forest = Forest()
    for tree, score in zip(trees["trees"], trees["tree_info"], strict=True):
        _write(forest, tree, int(score))
    scores = max(1, int(learner["learner_model_param"]["num_class"]))
    return Boosted(forest, _base(learner, link, scores), link, np.float32)


def _check(learner: Mapping[str, Any], name: str) -> None:
    kind = learner["gradient_booster"]["name"]
    if kind != "gbtree":
        raise ConversionError(f"{name} with booster={kind!r} has no exact graph: train with 'gbtree', {SKLEARN}")
    if int(learner["learner_model_param"].get("num_target", 1)) > 1:
        raise ConversionError(f"{name} predicts several targets: train one model for each, {SKLEARN}")


def _base(learner: Mapping[str, Any], link: str, scores: int) -> list[float]:
    """Return the score that each sum starts from; the file has it as a prediction."""
    said = learner["learner_model_param"]["base_score"]
    values = [float(each) for each in np.ravel(json.loads(said.replace("E", "e"))).tolist()]
    if link == "LOGISTIC":
        values = [log(value / (1 - value)) for value in values]
    if link == "EXP":
        values = [log(value) for value in values]
    return values * scores if len(values) == 1 else values


def _write(forest: Forest, tree: Mapping[str, Any], score: int) -> None:
    number = forest.start()
    free = count(len(tree["left_children"]))
    left, right, weights = tree["left_children"], tree["right_children"], tree["split_conditions"]
    sets = _sets(tree)
    for node in _reached(left, right):
        if left[node] == -1:
            forest.leaf(number, node, [(score, float(weights[node]))])
            continue
        feature, default_left = int(tree["split_indices"][node]), bool(tree["default_left"][node])
        if tree["split_type"][node]:
            # A category of the set goes right; a missing one must then count as one of them, or as none.
            codes = sets[node] or [-1.0]
            nodes = [node, *(next(free) for _ in codes[1:])]
            for code, here, after in zip(codes, nodes, [*nodes[1:], left[node]], strict=True):
                split = Split(feature, "BRANCH_EQ", code, is_missing_true=not default_left)
                forest.split(number, here, split, right[node], after)
            continue
        split = Split(feature, "BRANCH_LT", float(weights[node]), is_missing_true=default_left)
        forest.split(number, node, split, left[node], right[node])


def _reached(left: list[int], right: list[int]) -> list[int]:
    """Return the nodes below the root: pruning leaves others in the file."""
    found, waiting = [], [0]
    while waiting:
        node = waiting.pop()
        found.append(node)
        if left[node] != -1:
            waiting += [left[node], right[node]]
    return found


def _sets(tree: Mapping[str, Any]) -> dict[int, list[float]]:
    parts = zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True)
    return {node: [float(code) for code in tree["categories"][start : start + size]] for node, start, size in parts}
