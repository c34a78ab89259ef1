"""Converters for scalers and norms in double precision, as in scikit-learn, instead of skl2onnx's converters.

Tables contain numbers with few digits, and trees split in the middle between two of them. So typical rows lie on
thresholds, and scaling keeps them there. Only exactly the same arithmetic sends them down the same branch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler

from modelet.dev.publish.onnx.nodes import Nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.dev.publish.onnx.doubles import Doubles


def converters(doubles: Doubles, *, single: bool) -> dict[type[Any], Callable[..., None]]:
    """Return skl2onnx's `custom_conversion_functions` for scalers.

    single: whether the estimator gets its numbers in single precision, in which scikit-learn then scales.
    """

    def scale(scope: Any, operator: Any, container: Any) -> None:
        nodes, part, output = Nodes(scope, container), operator.raw_operator, operator.outputs[0]
        inputs = [each.full_name for each in operator.inputs]
        numbers, is_same = doubles.of(nodes, *inputs), doubles.are_same(nodes, *inputs)
        for kind, values in _steps(part):
            numbers = _step(nodes, kind, numbers, values, part, single=single)
        for kind, end in _ends(part):
            limit = nodes.constant(np.float64(end))
            # Not Clip, so that a missing value stays missing.
            numbers = nodes.add("Where", nodes.add(kind, numbers, limit), limit, numbers)
        doubles.write(nodes, numbers, output, is_same=is_same)

    def normalize(scope: Any, operator: Any, container: Any) -> None:
        nodes, part, output = Nodes(scope, container), operator.raw_operator, operator.outputs[0]
        if len(operator.inputs) == 1 and is_of_texts(nodes, operator.inputs[0].full_name):
            nodes.add(
                "Identity", normalized_texts(nodes, operator.inputs[0].full_name, part.norm), output=output.full_name
            )
            return
        inputs = [each.full_name for each in operator.inputs]
        numbers, is_same = doubles.of(nodes, *inputs), doubles.are_same(nodes, *inputs)
        least = 10 * float(np.finfo(np.float32 if single else np.float64).eps)
        divided = normalized(nodes, numbers, part.norm, least)
        doubles.write(nodes, _rounded(nodes, divided) if single else divided, output, is_same=is_same)

    scalers = (MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler)
    return {**dict.fromkeys(scalers, scale), Normalizer: normalize}


def normalized_texts(nodes: Nodes, weights: str, norm: str) -> str:
    """Divide rows of text weights by their norm, in single precision: they have many columns, and none is near zero.

    It uses standard operators, because onnxruntime's Normalizer handles one number at a time: with a vocabulary of
    8,811 words, a text takes 14 µs instead of 29 (measured).
    """
    return normalized(nodes, weights, norm, float(np.finfo(np.float32).tiny), np.float32)


def normalized(nodes: Nodes, numbers: str, norm: str, least: float, dtype: type[Any] = np.float64) -> str:
    """Divide rows by their norm, except for rows whose norm counts as zero.

    least: the norm below which a row counts as zero: ten times the precision for dense rows (scikit-learn's
    `_handle_zeros_in_scale`), the least positive number for sparse rows. dtype: the numbers' numpy type.
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
    """Return whether a tensor contains counts of words in texts."""
    node = nodes.producer(name)
    if node is None or node.op_type not in {"Identity", "Mul", "Cast", "TfIdfVectorizer"}:
        return False
    return node.op_type == "TfIdfVectorizer" or is_of_texts(nodes, node.input[0])


def _steps(part: Any) -> list[tuple[str, Any]]:
    """Return a scaler's operations in scikit-learn's order, because rounding depends on it.

    For sparse rows scikit-learn multiplies by 1 / scale_ instead, which is the same after rounding to float32.
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
    """Add one operation. In single precision, each result is rounded, and so are a StandardScaler's own numbers."""
    values = np.asarray(values, np.float64)
    if single and isinstance(part, StandardScaler):
        values = values.astype(np.float32).astype(np.float64)
    found = nodes.add(kind, numbers, nodes.constant(values))
    return _rounded(nodes, found) if single else found


def _rounded(nodes: Nodes, numbers: str) -> str:
    """Round doubles to float32, and return them as doubles."""
    return nodes.add("Cast", nodes.add("Cast", numbers, to=TensorProto.FLOAT), to=TensorProto.DOUBLE)


def _ends(part: Any) -> list[tuple[str, float]]:
    """Return the limits at which a scaler clips, each with the operator that finds the numbers beyond it."""
    if not getattr(part, "clip", False):
        return []
    low, high = part.feature_range if isinstance(part, MinMaxScaler) else (-1.0, 1.0)
    return [("Less", low), ("Greater", high)]
