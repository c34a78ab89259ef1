"""Double precision in graphs, for estimators that compare doubles.

A threshold or the edge of a bin sends a row one way or the other. scikit-learn compares doubles; a number very close to
the threshold may go the other way as float32. So a graph with such a part takes doubles, and the steps before that part
compute in doubles; all other parts read the same numbers as float32.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from onnx import TensorProto, helper
from skl2onnx.common.data_types import DoubleTensorType

from modelet.dev.publish.boosting.libraries import library_of
from modelet.dev.publish.onnx.nodes import ML
from modelet.dev.publish.source.parts import parts

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    import onnx

    from modelet.dev.publish.onnx.nodes import Nodes
    from modelet.dev.publish.source.rows import Rows

COMPARING = frozenset(
    ["BernoulliNB", "Binarizer", "HistGradientBoostingClassifier", "HistGradientBoostingRegressor", "KBinsDiscretizer"]
)
"""Estimators that compare doubles as given; trees first round them to float32."""

KEEPERS = frozenset({"ArrayFeatureExtractor", "Cast", "Concat", "Gather", "Identity", "Reshape"})
"""Operators that only pass values on, or select some of them."""

WHOLE = frozenset({"LabelEncoder", "OneHotEncoder", "TfIdfVectorizer"})
"""Operators that output codes and counts, which are never nearly equal to each other."""


def as_compared(rows: Rows, estimator: Any) -> Rows:
    """Return the rows as an estimator's graph takes them: in double precision if the estimator compares doubles."""
    return replace(rows, doubles=_compares_doubles(estimator) and not rows.is_single())


def _compares_doubles(estimator: Any) -> bool:
    """Return whether a part compares doubles: itself, or because its trees compare the results of an earlier step."""
    found = [part for part in parts(estimator) if type(part).__module__.startswith("sklearn.") or library_of(part)]
    computes = any(hasattr(part, "transform") and not hasattr(part, "predict") for part in found)
    return any(
        type(part).__name__ in COMPARING
        or library_of(part) == "lightgbm"
        or (computes and (hasattr(part, "tree_") or library_of(part) is not None))
        for part in found
    )


class Doubles:
    """The doubles that tensors of a graph were rounded from.

    taken: whether the graph's inputs will be doubles; see `take_doubles`.
    """

    def __init__(self, *, taken: bool) -> None:
        self.taken = taken
        self._kept: dict[str, str] = {}
        self._made: dict[str, str] = {}
        self._close: set[str] = set()

    def keep(self, name: str, doubles: str, *, is_same: bool = True) -> None:
        """Record the doubles that a tensor was rounded from. is_same: whether scikit-learn has exactly the same."""
        self._kept[name] = doubles
        if not is_same:
            self._close.add(name)

    def of(self, nodes: Nodes, *names: str) -> str:
        """Return tensors side by side in double precision, from before they were rounded if that is known."""
        found = [self._of(nodes, name) for name in names]
        return found[0] if len(found) == 1 else nodes.add("Concat", *found, axis=1)

    def are_same(self, nodes: Nodes, *names: str) -> bool:
        """Return whether scikit-learn computes exactly the doubles that `of` returns, as far as known."""
        return all(self._is_same(nodes, name) for name in names)

    def write(self, nodes: Nodes, doubles: str, output: Any, *, is_same: bool = True) -> None:
        """Write doubles to an operator's output, rounded if it contains float32. is_same: see `keep`."""
        if isinstance(output.type, DoubleTensorType):
            nodes.add("Identity", doubles, output=output.full_name)
            return
        nodes.add("Cast", doubles, output=output.full_name, to=TensorProto.FLOAT)
        self.keep(output.full_name, doubles, is_same=is_same)

    def _of(self, nodes: Nodes, name: str) -> str:
        if name in self._kept:
            return self._kept[name]
        if name not in self._made:
            self._made[name] = self._passed_on(nodes, name)
        return self._made[name]

    def _passed_on(self, nodes: Nodes, name: str) -> str:
        node = nodes.producer(name)
        if node is None or not self._is_rounded(nodes, name):
            return nodes.add("Cast", name, to=TensorProto.DOUBLE)
        if node.op_type == "Concat":
            return nodes.add("Concat", *(self._of(nodes, each) for each in node.input), axis=1)
        values = self._of(nodes, node.input[0])
        if node.op_type == "Gather":
            return nodes.add("Gather", values, node.input[1], axis=node.attribute[0].i)
        if node.op_type == "ArrayFeatureExtractor":
            return nodes.add("ArrayFeatureExtractor", values, node.input[1], domain=ML)
        return nodes.add("Reshape", values, node.input[1]) if node.op_type == "Reshape" else values

    def _is_rounded(self, nodes: Nodes, name: str) -> bool:
        """Return whether a tensor was rounded from doubles, or has a column that was."""
        if name in self._kept:
            return True
        node = nodes.producer(name)
        if node is None:
            return self.taken and not nodes.is_constant(name)
        return any(self._is_rounded(nodes, each) for each in _made_of(node))

    def _is_same(self, nodes: Nodes, name: str) -> bool:
        if name in self._kept:
            return name not in self._close
        node = nodes.producer(name)
        if node is None or node.op_type in WHOLE:
            return True
        made_of = _made_of(node)
        return bool(made_of) and all(self._is_same(nodes, each) for each in made_of)


def _made_of(node: onnx.NodeProto) -> Sequence[str]:
    """Return the tensors whose values a node passes on; none if it changes them."""
    if node.op_type not in KEEPERS or (node.op_type == "Cast" and node.attribute[0].i != TensorProto.FLOAT):
        return []
    return list(node.input) if node.op_type == "Concat" else [node.input[0]]


def take_doubles(graph: onnx.GraphProto, names: Sequence[str]) -> None:
    """Make float32 inputs of a graph doubles: casts to double read them directly, all other nodes read them rounded."""
    known = {name for node in graph.node for name in (*node.input, *node.output)} | {each.name for each in graph.input}
    single = {name: next(free for free in _names(f"{name}_float32") if free not in known) for name in names}
    widened = {node.output[0]: node.input[0] for node in graph.node if _widens(node, single)}
    kept = [node for node in graph.node if node.output[0] not in widened]
    rounded = [name for name in names if any(name in node.input for node in kept)]
    for node in kept:
        node.input[:] = [widened.get(name, single.get(name, name)) for name in node.input]
    casts = [helper.make_node("Cast", [name], [single[name]], to=TensorProto.FLOAT) for name in rounded]
    del graph.node[:]
    graph.node.extend([*casts, *kept])
    for each in graph.input:
        if each.name in single:
            each.type.tensor_type.elem_type = TensorProto.DOUBLE


def _widens(node: onnx.NodeProto, names: Container[str]) -> bool:
    """Return whether a node casts one of the tensors to double."""
    return node.op_type == "Cast" and node.input[0] in names and node.attribute[0].i == TensorProto.DOUBLE


def _names(name: str) -> Iterator[str]:
    """Yield a name, and others that start with it."""
    yield name
    yield from (f"{name}_{number}" for number in count(1))
