"""Histogram gradient boosting in a graph, instead of skl2onnx's converters: its thresholds stay doubles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import numpy_helper
from skl2onnx.common.utils_classifier import get_label_classes
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from modelet.dev.publish.onnx.nodes import ML, Nodes
from modelet.dev.publish.onnx.trees import CLASSIFIER, MISSING, REGRESSOR
from modelet.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.dev.publish.onnx.doubles import Doubles

VERSION = 3
"""The version of ai.onnx.ml whose ensembles support doubles; it also sums in doubles, and outputs float32."""

TRANSFORMS = {"HalfBinomialLoss": "LOGISTIC", "HalfMultinomialLoss": "SOFTMAX"}


def converters(doubles: Doubles) -> dict[type[Any], Callable[..., None]]:
    """Return skl2onnx's `custom_conversion_functions` for histogram gradient boosting."""

    def classify(scope: Any, operator: Any, container: Any) -> None:
        nodes, part = Nodes(scope, container), operator.raw_operator
        numbers = _compared(nodes, operator, doubles)
        labels = np.asarray(get_label_classes(scope, part))
        is_text = labels.dtype.kind in "UO"
        kind = "classlabels_strings" if is_text else "classlabels_int64s"
        is_raw = container.get_options(part, {"raw_scores": False})["raw_scores"]
        attributes = {
            "post_transform": "NONE" if is_raw else TRANSFORMS[type(part._loss).__name__],
            kind: (labels if is_text else labels.astype(np.int64)).tolist(),
        }
        container.add_node(
            CLASSIFIER,
            [numbers],
            [each.full_name for each in operator.outputs],
            op_domain=ML,
            op_version=VERSION,
            name=scope.get_unique_operator_name(CLASSIFIER),
            **attributes,
            **_trees(part, "class"),
        )

    def regress(scope: Any, operator: Any, container: Any) -> None:
        nodes, part = Nodes(scope, container), operator.raw_operator
        numbers = _compared(nodes, operator, doubles)
        attributes = {"domain": ML, "version": VERSION, "n_targets": 1, **_trees(part, "target")}
        output = operator.outputs[0].full_name
        if type(part._loss.link).__name__ == "LogLink":
            nodes.add("Exp", nodes.add(REGRESSOR, numbers, **attributes), output=output)
            return
        nodes.add(REGRESSOR, numbers, output=output, **attributes)

    return {HistGradientBoostingClassifier: classify, HistGradientBoostingRegressor: regress}


def _compared(nodes: Nodes, operator: Any, doubles: Doubles) -> str:
    """Return the tensor that the trees compare. Raises ConversionError if a graph would not compute the same doubles.

    Many thresholds equal values of the training rows: a number that is only close is not enough.
    """
    inputs = [each.full_name for each in operator.inputs]
    if not doubles.are_same(nodes, *inputs):
        raise ConversionError(
            f"{type(operator.raw_operator).__name__} compares values that earlier steps compute, and a graph rounds "
            "them differently: remove those steps (trees need no PCA and no scaling), train a random forest, or set "
            "backend: sklearn in model.yaml"
        )
    return doubles.of(nodes, *inputs)


def _trees(part: Any, kind: str) -> dict[str, Any]:
    """Return the attributes of an ensemble. kind: what its leaves' weights belong to, a "class" or a "target"."""
    predictors = [(place, each) for predictors in part._predictors for place, each in enumerate(predictors)]
    nodes = np.concatenate([each.nodes for _, each in predictors])
    counts = [len(each.nodes) for _, each in predictors]
    trees = np.repeat(np.arange(len(counts)), counts)
    places = np.concatenate([np.arange(count) for count in counts])
    leaf = nodes["is_leaf"].astype(bool)
    inner = {
        "nodes_featureids": nodes["feature_idx"],
        "nodes_truenodeids": nodes["left"],
        "nodes_falsenodeids": nodes["right"],
        MISSING: nodes["missing_go_to_left"],
    }
    return {
        "nodes_treeids": trees.tolist(),
        "nodes_nodeids": places.tolist(),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        "nodes_values_as_tensor": numpy_helper.from_array(np.where(leaf, 0.0, nodes["num_threshold"])),
        **{name: np.where(leaf, 0, values).astype(np.int64).tolist() for name, values in inner.items()},
        f"{kind}_treeids": trees[leaf].tolist(),
        f"{kind}_nodeids": places[leaf].tolist(),
        f"{kind}_ids": np.repeat([place for place, _ in predictors], counts)[leaf].tolist(),
        f"{kind}_weights_as_tensor": numpy_helper.from_array(nodes["value"][leaf].astype(np.float64)),
        "base_values_as_tensor": numpy_helper.from_array(np.ravel(part._baseline_prediction).astype(np.float64)),
    }
