"""Ensembles of trees from the libraries for gradient boosting, as the attributes of ONNX's ensembles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from onnx import numpy_helper

from modelet.dev.publish.onnx.trees import MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence

BASE = "base_values"
TINY = {np.float32: -1e-45, np.float64: -5e-324}
"""The negative numbers nearest to zero: adding one to a score changes nothing."""


class Split(NamedTuple):
    """The comparison of an inner node. is_missing_true: whether a missing value takes the branch of a true one."""

    feature: int
    mode: str
    value: float
    is_missing_true: bool


@dataclass
class Forest:
    """Trees that are being written: the lists of an ensemble's attributes, one entry per node or per leaf."""

    nodes: list[tuple[int, int, int, str, float, int, int, bool]] = field(default_factory=list)
    leaves: list[tuple[int, int, int, float]] = field(default_factory=list)
    trees: int = 0

    def start(self) -> int:
        """Start a tree, and return its number."""
        self.trees += 1
        return self.trees - 1

    def split(self, tree: int, node: int, split: Split, true: int, false: int) -> None:
        """Add an inner node. true, false: the nodes that it leads to."""
        feature, mode, value, is_missing_true = split
        self.nodes.append((tree, node, feature, mode, value, true, false, is_missing_true))

    def leaf(self, tree: int, node: int, weights: Sequence[tuple[int, float]]) -> None:
        """Add a leaf. weights: what it adds to each score, as pairs of the score's index and the number."""
        self.nodes.append((tree, node, 0, "LEAF", 0.0, 0, 0, False))
        self.leaves += [(tree, node, place, weight) for place, weight in weights]

    def attributes(self, kind: str, base: Sequence[float], dtype: type[Any]) -> dict[str, Any]:
        """Return the attributes of an ensemble. kind: what leaves add to, a "class" or a "target"."""
        tree, node, feature, mode, value, true, false, missing = zip(*self.nodes, strict=True)
        leaf_tree, leaf_node, place, weight = zip(*self.leaves, strict=True)
        return {
            "nodes_treeids": list(tree),
            "nodes_nodeids": list(node),
            "nodes_featureids": list(feature),
            "nodes_modes": list(mode),
            "nodes_truenodeids": list(true),
            "nodes_falsenodeids": list(false),
            MISSING: [int(each) for each in missing],
            f"{kind}_treeids": list(leaf_tree),
            f"{kind}_nodeids": list(leaf_node),
            f"{kind}_ids": list(place),
            **_numbers("nodes_values", value, dtype),
            **_numbers(f"{kind}_weights", weight, dtype),
            **_numbers(BASE, base, dtype),
        }

    def make_scores(self, dtype: type[Any]) -> None:
        """Make sure that a leaf is negative.

        Without one, onnxruntime takes the sum of two classes for a probability, not for a score, and compares it with
        0.5 instead of 0 (tree_ensemble_aggregator.h).
        """
        if all(weight >= 0 for *_, weight in self.leaves):
            self.leaf(self.start(), 0, [(0, TINY[dtype])])


class Boosted(NamedTuple):
    """A model of gradient boosting.

    base: what is added to each score. link: how scores become predictions: NONE, LOGISTIC, SOFTMAX or EXP. dtype: the
    precision in which the library compares and adds.
    """

    forest: Forest
    base: Sequence[float]
    link: str
    dtype: type[Any]


def _numbers(name: str, values: Sequence[float], dtype: type[Any]) -> dict[str, Any]:
    if dtype is np.float64:
        return {f"{name}_as_tensor": numpy_helper.from_array(np.array(values, np.float64))}
    return {name: np.array(values, np.float32).tolist()}
