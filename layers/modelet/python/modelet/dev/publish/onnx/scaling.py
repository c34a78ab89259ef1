"""Converters for scalers and norms in double precision, as in scikit-learn, instead of skl2onnx's converters.

Tables hold numbers of few digits, and trees split in the middle between two of them: proper rows lie on thresholds, and
scaling keeps them there. Only the very same arithmetic sends them down the same branch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler

from modelet.dev.publish.onnx.nodes import Nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def converters(*, single: bool) -> dict[type[Any], Callable[..., None]]:
    """skl2onnx's `custom_conversion_functions` for scalers.

    single: whether the estimator gets its numbers in single precision, in which scikit-learn then scales.
    """
    exact: dict[str, str] = {}  # the doubles from which a tensor was rounded: the next scaler reads those

    def scale(scope: Any, operator: Any, container: Any) -> None:
        nodes, part, output = Nodes(scope, container), operator.raw_operator, operator.outputs[0]
        numbers = joined(nodes, [doubled(nodes, each.full_name, exact) for each in operator.inputs])
        for kind, values in _steps(part):
            numbers = _step(nodes, kind, numbers, values, part, single=single)
        for kind, end in _ends(part):
            limit = nodes.constant(np.float64(end))
            # Not Clip: a missing value stays missing.
            numbers = nodes.add("Where", nodes.add(kind, numbers, limit), limit, numbers)
        if isinstance(output.type, DoubleTensorType):
            nodes.add("Identity", numbers, output=output.full_name)
            return
        nodes.add("Cast", numbers, output=output.full_name, to=TensorProto.FLOAT)
        exact[output.full_name] = numbers

    def normalize(scope: Any, operator: Any, container: Any) -> None:
        nodes, part, output = Nodes(scope, container), operator.raw_operator, operator.outputs[0].full_name
        if len(operator.inputs) == 1 and is_of_texts(nodes, operator.inputs[0].full_name):
            nodes.add("Identity", normalized_texts(nodes, operator.inputs[0].full_name, part.norm), output=output)
            return
        numbers = joined(nodes, [doubled(nodes, each.full_name, exact) for each in operator.inputs])
        least = 10 * float(np.finfo(np.float32 if single else np.float64).eps)
        divided = normalized(nodes, numbers, part.norm, least)
        is_double = isinstance(operator.outputs[0].type, DoubleTensorType)
        nodes.add("Cast", divided, output=output, to=TensorProto.DOUBLE if is_double else TensorProto.FLOAT)

    scalers = (MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler)
    return {**dict.fromkeys(scalers, scale), Normalizer: normalize}


def normalized_texts(nodes: Nodes, weights: str, norm: str) -> str:
    """Rows of texts' weights divided by their length, in single precision: they have many columns, none near zero.

    In plain operators, since onnxruntime's Normalizer works on one number at a time: of a vocabulary of 8,811 words a
    text takes 14 µs instead of 29 (measured).
    """
    return normalized(nodes, weights, norm, float(np.finfo(np.float32).tiny), np.float32)


def normalized(nodes: Nodes, numbers: str, norm: str, least: float, dtype: type[Any] = np.float64) -> str:
    """Rows divided by their length, but for those that are shorter than what counts as zero.

    least: of dense rows ten times the precision (scikit-learn's `_handle_zeros_in_scale`), of sparse rows any number.
    dtype: numpy's, of the numbers.
    """
    axes = nodes.constant(np.array([1], np.int64))
    if norm == "l2":
        squares = nodes.add("ReduceSum", nodes.add("Mul", numbers, numbers), axes, version=13, keepdims=1)
        lengths = nodes.add("Sqrt", squares)
    elif norm == "l1":
        lengths = nodes.add("ReduceSum", nodes.add("Abs", numbers), axes, version=13, keepdims=1)
    else:
        lengths = nodes.add("ReduceMax", nodes.add("Abs", numbers), axes, version=18, keepdims=1)
    are_zero = nodes.add("Less", lengths, nodes.constant(dtype(least)))
    return nodes.add("Div", numbers, nodes.add("Where", are_zero, nodes.constant(dtype(1)), lengths))


def is_of_texts(nodes: Nodes, name: str) -> bool:
    """Whether a tensor counts the words of texts."""
    node = nodes.producer(name)
    if node is None or node.op_type not in {"Identity", "Mul", "Cast", "TfIdfVectorizer"}:
        return False
    return node.op_type == "TfIdfVectorizer" or is_of_texts(nodes, node.input[0])


def joined(nodes: Nodes, doubles: Sequence[str]) -> str:
    """Some columns side by side."""
    return doubles[0] if len(doubles) == 1 else nodes.add("Concat", *doubles, axis=1)


def doubled(nodes: Nodes, name: str, exact: Mapping[str, str]) -> str:
    """A tensor in double precision: from before it was rounded, where that is known.

    exact: the doubles of some tensors, by name.
    """
    if name in exact:
        return exact[name]
    if _is_of_rounded(nodes, name, exact):
        return joined(nodes, [doubled(nodes, each, exact) for each in _made_of(nodes, name)])
    return nodes.add("Cast", name, to=TensorProto.DOUBLE)


def _is_of_rounded(nodes: Nodes, name: str, exact: Mapping[str, str]) -> bool:
    """Whether a tensor is one that was rounded from doubles, or has such a one among its columns."""
    return name in exact or any(_is_of_rounded(nodes, each, exact) for each in _made_of(nodes, name))


def _made_of(nodes: Nodes, name: str) -> Sequence[str]:
    """The tensors that stand side by side in another one."""
    node = nodes.producer(name)
    return list(node.input) if node is not None and node.op_type in {"Identity", "Concat"} else []


def _steps(part: Any) -> list[tuple[str, Any]]:
    """What a scaler does to its columns, in scikit-learn's order: rounding depends on it.

    Of sparse rows scikit-learn multiplies by 1 / scale_ instead, which is the same once it is float32.
    """
    if isinstance(part, MinMaxScaler):
        return [("Mul", part.scale_), ("Add", part.min_)]
    if isinstance(part, MaxAbsScaler):
        return [("Div", part.scale_)]
    centered, scaled = (
        (part.with_mean, part.with_std)
        if isinstance(part, StandardScaler)
        else (part.with_centering, part.with_scaling)
    )
    center = part.mean_ if isinstance(part, StandardScaler) else part.center_
    return [*([("Sub", center)] if centered else []), *([("Div", part.scale_)] if scaled else [])]


def _step(nodes: Nodes, kind: str, numbers: str, values: Any, part: Any, *, single: bool) -> str:
    """One operation; in single precision each result is rounded, and a StandardScaler's own numbers are."""
    values = np.asarray(values, np.float64)
    if single and isinstance(part, StandardScaler):
        values = values.astype(np.float32).astype(np.float64)
    found = nodes.add(kind, numbers, nodes.constant(values))
    if not single:
        return found
    return nodes.add("Cast", nodes.add("Cast", found, to=TensorProto.FLOAT), to=TensorProto.DOUBLE)


def _ends(part: Any) -> list[tuple[str, float]]:
    """Beyond which numbers a scaler cuts off, and how to tell."""
    if not getattr(part, "clip", False):
        return []
    low, high = part.feature_range if isinstance(part, MinMaxScaler) else (-1.0, 1.0)
    return [("Less", low), ("Greater", high)]
