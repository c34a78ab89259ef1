"""Transformers in double precision, instead of skl2onnx's converters, for when their results are compared."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common._registration import get_converter
from skl2onnx.common._topology import Variable
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.decomposition import PCA, IncrementalPCA, KernelPCA, TruncatedSVD
from sklearn.impute import SimpleImputer
from sklearn.naive_bayes import BernoulliNB
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
)

from modelet.dev.publish.onnx.nodes import Nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.dev.publish.onnx.doubles import Doubles

PRODUCTS = (IncrementalPCA, KernelPCA, NeighborhoodComponentsAnalysis, PCA, TruncatedSVD)
"""Transformers that multiply matrices: the last digit differs, even in scikit-learn between one row and several."""


def converters(doubles: Doubles) -> dict[type[Any], Callable[..., None]]:
    """Return skl2onnx's `custom_conversion_functions`; none if the graph takes no doubles."""
    made: dict[Any, tuple[Callable[[Nodes, Any, str], str], bool]] = {
        Binarizer: (_binarized, True),
        KBinsDiscretizer: (_binned, True),
        PolynomialFeatures: (_multiplied, True),
        PowerTransformer: (_powered, False),
    }

    def transform(scope: Any, operator: Any, container: Any) -> None:
        nodes, part = Nodes(scope, container), operator.raw_operator
        inputs = [each.full_name for each in operator.inputs]
        made_by, is_exact = made[type(part)]
        found = made_by(nodes, part, doubles.of(nodes, *inputs))
        doubles.write(nodes, found, operator.outputs[0], is_same=is_exact and doubles.are_same(nodes, *inputs))

    def impute(scope: Any, operator: Any, container: Any) -> None:
        part, nodes = operator.raw_operator, Nodes(scope, container)
        if part.statistics_.dtype.kind not in "fiu":
            get_converter(sklearn_operator_name_map[SimpleImputer])(scope, operator, container)
            return
        inputs = [each.full_name for each in operator.inputs]
        found = _filled(nodes, part, doubles.of(nodes, *inputs))
        doubles.write(nodes, found, operator.outputs[0], is_same=doubles.are_same(nodes, *inputs))

    def again(scope: Any, operator: Any, container: Any) -> None:
        """Write skl2onnx's own nodes, in double precision."""
        nodes, part, output = Nodes(scope, container), operator.raw_operator, operator.outputs[0]
        inputs = [each.full_name for each in operator.inputs]
        given, found = doubles.of(nodes, *inputs), nodes.name("doubles")
        twin = copy.copy(operator)
        vars(twin).update(  # bypasses the checks for operators in a topology
            inputs=[Variable(given, given, scope.name, DoubleTensorType([None, part.n_features_in_]))],
            outputs=[Variable(found, found, scope.name, DoubleTensorType(output.type.shape))],
        )
        get_converter(sklearn_operator_name_map[type(part)])(scope, twin, container)
        is_same = not isinstance(part, PRODUCTS) and doubles.are_same(nodes, *inputs)
        doubles.write(nodes, found, output, is_same=is_same)

    def naive(scope: Any, operator: Any, container: Any) -> None:
        """Write BernoulliNB's nodes after a comparison with its threshold."""
        part, nodes, twin = operator.raw_operator, Nodes(scope, container), copy.copy(operator)
        if part.binarize is not None:
            flags = _above(nodes, doubles.of(nodes, *(each.full_name for each in operator.inputs)), part.binarize)
            name = nodes.add("Cast", flags, to=TensorProto.FLOAT)
            without = copy.copy(part)
            without.binarize = None
            given = Variable(name, name, scope.name, FloatTensorType([None, part.n_features_in_]))
            vars(twin).update(raw_operator=without, inputs=[given])
        get_converter(sklearn_operator_name_map[BernoulliNB])(scope, twin, container)

    if not doubles.taken:
        return {}
    return {
        **dict.fromkeys(made, transform),
        **dict.fromkeys((*PRODUCTS, QuantileTransformer), again),
        SimpleImputer: impute,
        BernoulliNB: naive,
    }


def _above(nodes: Nodes, numbers: str, threshold: float) -> str:
    return nodes.add("Greater", numbers, nodes.constant(np.float64(threshold)))


def _binarized(nodes: Nodes, part: Any, numbers: str) -> str:
    return nodes.add("Cast", _above(nodes, numbers, part.threshold), to=TensorProto.DOUBLE)


def _binned(nodes: Nodes, part: Any, numbers: str) -> str:
    """Return each number's bin: how many of the edges between the bins it reaches."""
    axes, found = nodes.constant(np.array([1], np.int64)), []
    for place, edges in enumerate(part.bin_edges_):
        column = _picked(nodes, numbers, [place])
        inner = nodes.constant(np.asarray(edges[1:-1], np.float64)[None])
        reached = nodes.add("Cast", nodes.add("GreaterOrEqual", column, inner), to=TensorProto.DOUBLE)
        bins = nodes.add("ReduceSum", reached, axes, keepdims=1)
        if part.encode != "ordinal":
            known = nodes.constant(np.arange(part.n_bins_[place], dtype=np.float64)[None])
            bins = nodes.add("Cast", nodes.add("Equal", bins, known), to=TensorProto.DOUBLE)
        found.append(bins)
    return found[0] if len(found) == 1 else nodes.add("Concat", *found, axis=1)


def _filled(nodes: Nodes, part: Any, numbers: str) -> str:
    value = part.missing_values
    is_nan = value is None or np.isnan(value)
    missing = nodes.add("IsNaN", numbers) if is_nan else nodes.add("Equal", numbers, nodes.constant(np.float64(value)))
    return nodes.add("Where", missing, nodes.constant(np.asarray(part.statistics_, np.float64)), numbers)


def _multiplied(nodes: Nodes, part: Any, numbers: str) -> str:
    """Return products of columns, multiplied from the last to the first, as in scikit-learn."""
    terms = [np.repeat(np.arange(len(powers)), powers).tolist() for powers in part.powers_]
    width, degree = part.n_features_in_, max(1, *map(len, terms))
    first = _picked(nodes, numbers, [0])
    ones = nodes.add("Where", nodes.add("IsNaN", first), nodes.constant(np.float64(1)), nodes.constant(np.float64(1)))
    padded = nodes.add("Concat", numbers, ones, axis=1)
    factors = [[width] * (degree - len(term)) + term for term in terms]
    found = _picked(nodes, padded, [each[-1] for each in factors])
    for place in range(degree - 2, -1, -1):
        found = nodes.add("Mul", found, _picked(nodes, padded, [each[place] for each in factors]))
    return found


def _powered(nodes: Nodes, part: Any, numbers: str) -> str:
    """Apply the Yeo-Johnson or Box-Cox transformation (sklearn.preprocessing.PowerTransformer) to each column."""
    made = []
    for place, power in enumerate(part.lambdas_.tolist()):
        column = _picked(nodes, numbers, [place])
        if part.method == "box-cox":
            made.append(_box_cox(nodes, column, power))
            continue
        zero, one = nodes.constant(np.float64(0)), nodes.constant(np.float64(1))
        # Each side gets only its own numbers: for those of the other side, the power is NaN.
        above = _box_cox(nodes, nodes.add("Add", nodes.add("Max", column, zero), one), power)
        below = _box_cox(nodes, nodes.add("Sub", one, nodes.add("Min", column, zero)), 2 - power)
        made.append(nodes.add("Where", nodes.add("Less", column, zero), nodes.add("Neg", below), above))
    found = made[0] if len(made) == 1 else nodes.add("Concat", *made, axis=1)
    if not part.standardize:
        return found
    scaler = part._scaler  # no public attribute
    centered = nodes.add("Sub", found, nodes.constant(np.asarray(scaler.mean_, np.float64)))
    return nodes.add("Div", centered, nodes.constant(np.asarray(scaler.scale_, np.float64)))


def _box_cox(nodes: Nodes, numbers: str, power: float) -> str:
    if abs(power) < np.spacing(1.0):
        return nodes.add("Log", numbers)
    raised = nodes.add("Pow", numbers, nodes.constant(np.float64(power)))
    return nodes.add("Div", nodes.add("Sub", raised, nodes.constant(np.float64(1))), nodes.constant(np.float64(power)))


def _picked(nodes: Nodes, numbers: str, places: list[int]) -> str:
    """Select columns of a matrix."""
    return nodes.add("Gather", numbers, nodes.constant(np.array(places, np.int64)), axis=1)
