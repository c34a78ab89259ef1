"""CatBoost's models as ensembles: it compares single precision, and adds doubles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.dev.publish.boosting.catboost import booster_of, json_of, loss
from modelet.dev.publish.onnx.ensembles import Boosted, Forest, Split
from modelet.dev.publish.onnx.kinds import SKLEARN
from modelet.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Mapping

LINKS = {
    "Logloss": "LOGISTIC",
    "CrossEntropy": "LOGISTIC",
    "MultiClass": "SOFTMAX",
    "MultiClassOneVsAll": "LOGISTIC",
    **dict.fromkeys(("Poisson", "Tweedie"), "EXP"),
    **dict.fromkeys(("RMSE", "MAE", "Quantile", "MAPE", "Huber", "Expectile", "LogCosh", "Lq"), "NONE"),
    **dict.fromkeys(("YetiRank", "YetiRankPairwise", "PairLogit", "PairLogitPairwise", "QueryRMSE"), "NONE"),
}
"""How the scores of a loss become predictions."""


def boosted(estimator: Any) -> Boosted:
    """Return a model's trees. Raises ConversionError by name for what a graph would predict differently."""
    name, model = type(estimator).__name__, booster_of(estimator)
    for kind, places in (
        ("categories", model.get_cat_feature_indices()),
        ("texts", model.get_text_feature_indices()),
        ("embeddings", model.get_embedding_feature_indices()),
    ):
        if places:
            raise ConversionError(
                f"{name} computes numbers from {kind} in a way that a graph does not express: "
                f"encode them before it, {SKLEARN}"
            )
    policy = model.get_all_params().get("grow_policy", "SymmetricTree")
    if policy != "SymmetricTree":
        raise ConversionError(f"{name} with grow_policy={policy!r}: train with 'SymmetricTree', {SKLEARN}")
    said = loss(model)
    if said not in LINKS:
        raise ConversionError(f"{name} with loss_function={said!r} has no exact graph: use another, {SKLEARN}")
    if LINKS[said] == "LOGISTIC" and model.get_probability_threshold() != 0.5:
        raise ConversionError(f"{name} has a threshold other than 0.5 between its labels: leave it out, {SKLEARN}")
    data = json_of(model)
    scale, base = data["scale_and_bias"]
    features = {each["feature_index"]: each for each in data["features_info"]["float_features"]}
    forest = Forest()
    for tree in data["oblivious_trees"]:
        _write(forest, tree, features, len(base), float(scale))
    return Boosted(forest, [float(each) for each in base], LINKS[said], np.float64)


def _write(
    forest: Forest, tree: Mapping[str, Any], features: Mapping[int, Mapping[str, Any]], scores: int, scale: float
) -> None:
    """Write a symmetric tree, whose levels have one split each; the first is the lowest bit of a leaf's number."""
    number = forest.start()
    splits = [_split(each, features) for each in tree["splits"] or ()]
    depth = len(splits)
    for level, split in enumerate(reversed(splits)):
        for place in range(1 << level):
            node = (1 << level) + place
            forest.split(number, node - 1, split, 2 * node, 2 * node - 1)
    leaves = np.reshape(tree["leaf_values"], (1 << depth, scores)) * scale
    for place, weights in enumerate(leaves.tolist()):
        forest.leaf(number, (1 << depth) + place - 1, list(enumerate(weights)))


def _split(split: Mapping[str, Any], features: Mapping[int, Mapping[str, Any]]) -> Split:
    feature = features[split["float_feature_index"]]
    is_true = feature.get("nan_value_treatment") == "AsTrue"
    return Split(int(feature["flat_feature_index"]), "BRANCH_GT", float(split["border"]), is_true)
