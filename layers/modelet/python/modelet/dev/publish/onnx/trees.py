"""Conversion of skl2onnx's lists of trees to the arrays of ONNX's TreeEnsemble."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from onnx import numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx
    from numpy.typing import NDArray

CLASSIFIER, REGRESSOR = "TreeEnsembleClassifier", "TreeEnsembleRegressor"
TREES = "nodes_treeids"
"""The list that has one entry for each node of the trees."""

MISSING = "nodes_missing_value_tracks_true"
"""Whether a missing value takes the branch of a true comparison; if the list is left out, none does."""

LEAF = b"LEAF"
MODES = (b"BRANCH_LEQ", b"BRANCH_LT", b"BRANCH_GTE", b"BRANCH_GT", b"BRANCH_EQ", b"BRANCH_NEQ")
"""The comparisons of inner nodes, in the order of TreeEnsemble's numbers for them (onnx.ai, ai.onnx.ml 5)."""


class Trees(NamedTuple):
    """An ensemble with one score per row.

    said: the attributes of its node in the graph. arrays: the trees as TreeEnsemble's attributes, with inner nodes and
    leaves in separate arrays.
    """

    said: Mapping[str, onnx.AttributeProto]
    arrays: Mapping[str, NDArray[Any]]

    def floats(self, name: str) -> NDArray[Any]:
        """Return an attribute's numbers, float32 or double; none if the ensemble does not have it."""
        return _floats(self.said, name)

    @property
    def is_double(self) -> bool:
        """Whether the ensemble compares and sums doubles."""
        return bool(self.arrays["nodes_splits"].dtype == np.float64)

    def text(self, name: str, usual: bytes) -> bytes:
        """Return an attribute's text, or its default if the ensemble does not have it."""
        return bytes(self.said[name].s) if name in self.said else usual

    @property
    def is_of_shares(self) -> bool:
        """Whether no leaf has a negative weight, as in forests, whose leaves contain shares of a class."""
        return bool((self.arrays["leaf_weights"] >= 0).all())


def trees_of(node: onnx.NodeProto) -> Trees | None:
    """Return an ensemble's trees; None if a leaf may have several weights, or if the order of the lists is unknown."""
    said = {attribute.name: attribute for attribute in node.attribute}
    kind = "class" if node.op_type == CLASSIFIER else "target"
    tree, splits, weighed = _ints(said, TREES), _floats(said, "nodes_values"), _floats(said, f"{kind}_weights")
    said_for = _ints(said, f"{kind}_ids")
    if len(tree) != len(splits) or len(said_for) != len(weighed) or splits.dtype != weighed.dtype:
        return None
    modes = np.array(said["nodes_modes"].strings)
    inner = modes != LEAF
    first = np.flatnonzero(np.diff(tree, prepend=-1))
    count = int(tree.max(initial=-1)) + 1
    if not np.array_equal(tree[first], np.arange(count)) or not set(modes[inner].tolist()) <= set(MODES):
        return None
    leaves = first[_ints(said, f"{kind}_treeids")] + _ints(said, f"{kind}_nodeids")
    if (
        not np.array_equal(first[tree] + _ints(said, "nodes_nodeids"), np.arange(len(tree)))
        or not inner[first].all()
        or inner[leaves].any()
        or len(np.unique(leaves)) < len(leaves)
        or said_for.any()
    ):
        return None
    weights = np.zeros(len(tree), dtype=weighed.dtype)
    weights[leaves] = weighed
    numbered = np.where(inner, np.cumsum(inner), np.cumsum(~inner)) - 1
    arrays = {
        "tree_roots": numbered[first],
        "nodes_featureids": _ints(said, "nodes_featureids")[inner],
        "nodes_splits": splits[inner],
        "nodes_modes": np.array([MODES.index(mode) for mode in modes[inner].tolist()], dtype=np.uint8),
        "leaf_targetids": np.zeros(int((~inner).sum()), dtype=np.int64),
        "leaf_weights": weights[~inner],
    }
    for side in ("true", "false"):
        child = first[tree[inner]] + _ints(said, f"nodes_{side}nodeids")[inner]
        arrays[f"nodes_{side}nodeids"] = numbered[child]
        arrays[f"nodes_{side}leafs"] = (~inner[child]).astype(np.int64)
    if (missing := _ints(said, MISSING)).any():
        arrays[MISSING] = missing[inner]
    return Trees(said, arrays)


def _ints(said: Mapping[str, onnx.AttributeProto], name: str) -> NDArray[np.int64]:
    return np.array(said[name].ints if name in said else (), dtype=np.int64)


def _floats(said: Mapping[str, onnx.AttributeProto], name: str) -> NDArray[Any]:
    """Return numbers of an ensemble; doubles are in attributes with another name."""
    if (tensor := said.get(f"{name}_as_tensor")) is not None:
        return np.array(numpy_helper.to_array(tensor.t))
    return np.array(said[name].floats if name in said else (), dtype=np.float32)
