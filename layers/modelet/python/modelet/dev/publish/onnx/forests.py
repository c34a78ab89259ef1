"""Large tree ensembles as arrays, in the operator TreeEnsemble: they need a third of the space of lists of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import onnx
from onnx import helper, numpy_helper

from modelet.dev.publish.onnx.trees import CLASSIFIER, MISSING, REGRESSOR, TREES, trees_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.dev.publish.onnx.trees import Trees

ML = "ai.onnx.ml"
OPSET, IR = 5, 10
"""ai.onnx.ml with TreeEnsemble, and its IR version: onnxruntime 1.22, the oldest that we support, reads both."""

OLDEST = 13
"""The oldest opset in which the standard operators that are written here have their present meaning."""

ENOUGH = 10_000
"""The fewest nodes per forest that make it worthwhile: it saves 4 ms of load time for 2 µs per request (measured)."""

HITS = "nodes_hitrates"


class Written(NamedTuple):
    """Operators that replace one operator, and the constants that they read."""

    nodes: Sequence[onnx.NodeProto]
    constants: Sequence[onnx.TensorProto] = ()


def compact(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """Return the same graph with smaller forests; None if it has no large ones.

    Measured: a forest of 500 trees with 516,000 nodes loads in 210 ms of CPU time instead of 320, and its process needs
    88 MB instead of 136. TreeEnsemble has one weight per leaf, so forests of three or more classes only lose lists
    without information, which saves them 20 ms and 10 MB.
    """
    forests = [node for node in model.graph.node if node.op_type in {CLASSIFIER, REGRESSOR}]
    size = sum(len(attribute.ints) for node in forests for attribute in node.attribute if attribute.name == TREES)
    return _with_arrays(model) or _without_idle_lists(model) if forests and size >= ENOUGH * len(forests) else None


def _with_arrays(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """Return the same graph with its forests as arrays; None if one cannot be: a graph cannot mix the operators."""
    opsets = {opset.domain: opset.version for opset in model.opset_import}
    if opsets.get("", 0) < OLDEST or not _others_stay(model, opsets[ML]):
        return None
    smaller = onnx.ModelProto()
    smaller.CopyFrom(model)
    del smaller.graph.node[:]
    for node in model.graph.node:
        written = _written(node) if node.op_type in {CLASSIFIER, REGRESSOR} else Written([node])
        if written is None:
            return None
        smaller.graph.node.extend(written.nodes)
        smaller.graph.initializer.extend(written.constants)
    smaller.ir_version = max(model.ir_version, IR)
    for opset in smaller.opset_import:
        opset.version = OPSET if opset.domain == ML else opset.version
    return smaller


def _without_idle_lists(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the same graph without the hit rates of nodes, and without the paths of missing values if none is set."""
    smaller = onnx.ModelProto()
    smaller.CopyFrom(model)
    for node in smaller.graph.node:
        for attribute in list(node.attribute):
            if attribute.name == HITS or (attribute.name == MISSING and not any(attribute.ints)):
                node.attribute.remove(attribute)
    return smaller


def _others_stay(model: onnx.ModelProto, version: int) -> bool:
    """Return whether the graph's other operators of this domain have the same meaning in its later opset."""
    others = {node.op_type for node in model.graph.node if node.domain == ML} - {CLASSIFIER, REGRESSOR}
    return all(
        onnx.defs.get_schema(name, version, ML).since_version == onnx.defs.get_schema(name, OPSET, ML).since_version
        for name in others
    )


def _written(node: onnx.NodeProto) -> Written | None:
    """Return operators that compute an ensemble's outputs; None if they cannot compute them in the same way.

    onnxruntime predicts the second of two classes if the score is above 0.5, for ensembles without negative weights
    such as forests, or else above 0, for boosting, whose score is a logit (tree_ensemble_aggregator.h).
    """
    trees = trees_of(node)
    if trees is None:
        return None
    base, transform = trees.floats("base_values"), trees.text("post_transform", b"NONE")
    if trees.text("aggregate_function", b"SUM") != b"SUM" or len(base) > 1:
        return None
    if node.op_type == REGRESSOR:
        return _scores(trees, node, base, node.output[0]) if transform == b"NONE" else None
    if (transform, trees.is_of_shares) not in {(b"NONE", True), (b"LOGISTIC", False)}:
        return None
    score = f"{node.output[1]}_score"
    scores, classes = _scores(trees, node, base, score), _classes(trees, node, score)
    return Written([*scores.nodes, *classes.nodes], [*scores.constants, *classes.constants])


def _scores(trees: Trees, node: onnx.NodeProto, base: Any, output: str) -> Written:
    """Return the sum over the trees and the base value, if there is one; cast to float32 if they are doubles."""
    arrays = {
        name: values.tolist() if values.dtype == np.int64 else numpy_helper.from_array(values)
        for name, values in trees.arrays.items()
    }
    settled: dict[str, Any] = {"n_targets": 1, "aggregate_function": 1, "post_transform": 0}  # a sum, not transformed
    names = [output, *(f"{output}_{name}" for name in ("sum", "total"))]
    steps = ["TreeEnsemble", *["Add"] * bool(len(base)), *["Cast"] * trees.is_double]
    made = [*names[1 : len(steps)], output]
    nodes = [helper.make_node("TreeEnsemble", list(node.input), made[:1], domain=ML, **settled, **arrays)]
    if len(base):
        nodes.append(helper.make_node("Add", [made[0], f"{output}_base"], [made[1]]))
    if trees.is_double:
        nodes.append(helper.make_node("Cast", [made[-2]], [output], to=onnx.TensorProto.FLOAT))
    return Written(nodes, [numpy_helper.from_array(base, f"{output}_base")] if len(base) else [])


def _classes(trees: Trees, node: onnx.NodeProto, score: str) -> Written:
    """Return a label and two probabilities, from the score of the second class."""
    label, probabilities = node.output
    texts = trees.said.get("classlabels_strings")
    labels = texts.strings if texts is not None else trees.said["classlabels_int64s"].ints
    kind = onnx.TensorProto.INT64 if texts is None else onnx.TensorProto.STRING
    least, whole = (0.5, 1.0) if trees.is_of_shares else (0.0, 0.0)
    no, yes, threshold, one, flat = (f"{score}_{name}" for name in ("no", "yes", "threshold", "one", "flat"))
    above, said, other, both = (f"{score}_{name}" for name in ("above", "label", "other", "both"))
    constants = [
        helper.make_tensor(no, kind, [1], [labels[0]]),
        helper.make_tensor(yes, kind, [1], [labels[1]]),
        helper.make_tensor(threshold, onnx.TensorProto.FLOAT, [1], [least]),
        helper.make_tensor(one, onnx.TensorProto.FLOAT, [1], [whole]),
        helper.make_tensor(flat, onnx.TensorProto.INT64, [1], [-1]),
    ]
    nodes = [
        helper.make_node("Greater", [score, threshold], [above]),
        helper.make_node("Where", [above, yes, no], [said]),
        helper.make_node("Reshape", [said, flat], [label]),
        helper.make_node("Sub", [one, score], [other]),  # the complement of a share, the negative of a logit
        helper.make_node("Concat", [other, score], [probabilities if trees.is_of_shares else both], axis=1),
    ]
    if not trees.is_of_shares:
        nodes.append(helper.make_node("Sigmoid", [both], [probabilities]))
    return Written(nodes, constants)
