"""Conversion of an estimator to an ONNX graph, on the publisher's machine."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator

from modelet.dev.publish.boosting.libraries import library_of
from modelet.dev.publish.onnx.boosters import registered
from modelet.dev.publish.onnx.boosting import converters as boosters
from modelet.dev.publish.onnx.doubles import Doubles, take_doubles
from modelet.dev.publish.onnx.graph import SCORES, Graph, check_servable, line
from modelet.dev.publish.onnx.kinds import check_kinds, without_graph
from modelet.dev.publish.onnx.scaling import converters as scalers
from modelet.dev.publish.onnx.transforming import converters as transformers
from modelet.dev.publish.onnx.vectorizing import OPSET as NEWER
from modelet.dev.publish.onnx.vectorizing import converters
from modelet.dev.publish.onnx.zipmap import rename
from modelet.dev.publish.source.answer import SHAPED, outputs_of
from modelet.dev.publish.source.parts import final, kind_of, splits_characters
from modelet.dev.publish.source.rows import MATRIX, TEXT
from modelet.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelet.dev.publish.source.rows import Rows

OPSET = {"": 18, "ai.onnx.ml": 3}
"""The newest opsets of a converted graph, for IR 8, which every onnxruntime since 1.13 reads; see also forests."""

TENSORS: dict[Any, Any] = {
    np.float32: FloatTensorType,
    np.float64: FloatTensorType,  # until `take_doubles`
    np.int64: Int64TensorType,
    object: StringTensorType,
}


def to_graph(estimator: Any, rows: Rows, name: str, *, collapsed: bool = False) -> bytes:
    """Return the estimator as an ONNX graph, with float32 inputs unless `rows.doubles`. The output is deterministic.

    collapsed: whether `preprocess` removes runs of white space from its texts.
    Raises ConversionError, one sentence, if ONNX cannot express the estimator.
    """
    kind = type(estimator).__name__
    shown = rows.spread(SHAPED)
    outputs = outputs_of(estimator, rows.take(shown).data)
    inputs = _inputs(rows, outputs)
    if "label" in outputs and outputs["label"].ndim > 1 and outputs["label"].shape[1] > 1:
        raise ConversionError(
            f"{kind} has several targets, each with its own labels: set backend: sklearn in model.yaml"
        )
    check_kinds(estimator)
    try:
        with warnings.catch_warnings():
            # Parity tests check every difference that the converter warns of.
            warnings.simplefilter("ignore")
            model = _converted(estimator, name, inputs, rows, collapsed=collapsed)
    except ConversionError:
        raise
    except Exception as error:  # skl2onnx's converters raise errors of any type
        why = _reason(estimator, error)
        raise ConversionError(
            f"{kind} cannot become an ONNX graph ({why}): change that, or set backend: sklearn in model.yaml"
        ) from error
    _name_tensors(model.graph, [name for name, _ in inputs], list(outputs))
    take_doubles(model.graph, _double_inputs(rows))
    opsets = {opset.domain: opset.version for opset in model.opset_import}
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(*opset) for opset in sorted(opsets.items()))
    check_servable(model, doubles=rows.doubles)
    if SCORES in outputs and outputs[SCORES].ndim == 1:
        _score_one(model.graph, rows.take(shown), np.ravel(outputs[SCORES]), bytes(model.SerializeToString()))
    return bytes(model.SerializeToString(deterministic=True))


def _score_one(graph: onnx.GraphProto, rows: Rows, expected: Any, data: bytes) -> None:
    """Keep the column of the scores that is the decision function; converters give two, in either order."""
    found = Graph(data, rows.features).answer(rows.instances())[SCORES]
    found = found.reshape(len(rows), -1)
    if found.shape[1] == 1:
        return
    place = min(range(found.shape[1]), key=lambda column: float(np.abs(found[:, column] - expected).max()))
    rename(graph, SCORES, f"{SCORES}_inner")
    graph.initializer.append(onnx.numpy_helper.from_array(np.array([place], np.int64), "score_place"))
    graph.node.append(onnx.helper.make_node("Gather", [f"{SCORES}_inner", "score_place"], [SCORES], axis=1))
    [output] = [each for each in graph.output if each.name == SCORES]
    output.type.tensor_type.shape.dim[-1].dim_value = 1


def _converted(
    estimator: Any,
    name: str,
    inputs: list[tuple[str, Any]],
    rows: Rows,
    *,
    collapsed: bool,
) -> onnx.ModelProto:
    """Convert a classifier without ZipMap; some converters have neither a ZipMap nor an option for it."""
    said: dict[str, Any] = {
        "initial_types": inputs,
        "target_opset": OPSET | ({"": NEWER} if splits_characters(estimator) and not collapsed else {}),
        **_registered(estimator, rows, collapsed=collapsed),
    }
    # The parsers for boosters declare their outputs without a ZipMap.
    has_map = kind_of(estimator) == "classifier" and library_of(final(estimator)) is None
    options = {id(estimator): {"zipmap": False}} if has_map else None
    try:
        model: onnx.ModelProto = convert_sklearn(estimator, name, options=options, **said)
    except NameError:
        # An option that changes nothing keeps skl2onnx from giving the pipeline's last step the option for ZipMap.
        said.update(_registered(estimator, rows, collapsed=collapsed))
        model = convert_sklearn(estimator, name, options={id(final(estimator)): {"nocl": False}}, **said)
    return model


def _registered(estimator: Any, rows: Rows, *, collapsed: bool) -> dict[str, Any]:
    """Return Modelet's own converters, for one conversion: they record what they have written."""
    doubles = Doubles(taken=rows.doubles)
    of_texts = converters(collapsed=collapsed)
    own = {**of_texts, **scalers(doubles, single=rows.is_single()), **transformers(doubles), **boosters(doubles)}
    others = registered(estimator, doubles)
    return {
        "custom_conversion_functions": {**own, **others.converters},
        "custom_shape_calculators": others.shapes,
        "custom_parsers": others.parsers,
    }


def _inputs(rows: Rows, outputs: Iterable[str]) -> list[tuple[str, Any]]:
    if rows.layout == "text":
        return [(TEXT, StringTensorType([None, 1]))]
    if rows.layout == "matrix":
        return [(MATRIX, FloatTensorType([None, len(rows.columns)]))]
    for column in rows.columns:
        if column.type == "string" and column.nullable:
            raise ConversionError(
                f"column {column.name} has missing texts, which a graph's string input does not support: "
                "replace them by a word before training, or set backend: sklearn in model.yaml"
            )
        if column.name in outputs:
            raise ConversionError(f"column {column.name} has the same name as the graph's output: rename the column")
    return [(column.name, TENSORS[rows.input_type(column)]([None, 1])) for column in rows.columns]


def _double_inputs(rows: Rows) -> list[str]:
    """Return the inputs that the graph takes in double precision."""
    if rows.layout == "text":
        return []
    doubles = [column.name for column in rows.columns if rows.input_type(column) is np.float64]
    return doubles if rows.layout == "columns" else [MATRIX] * bool(doubles)


def _name_tensors(graph: onnx.GraphProto, inputs: list[str], outputs: list[str]) -> None:
    """Give inputs and outputs the served names; skl2onnx changes names that are not identifiers."""
    if len(graph.output) < len(outputs):
        raise ConversionError(f"the graph has no {outputs[-1]}: set backend: sklearn in model.yaml")
    del graph.output[len(outputs) :]
    wanted = [*zip(graph.input, inputs, strict=True), *zip(graph.output, outputs, strict=True)]
    for tensor, name in wanted:
        if tensor.name != name:
            rename(graph, name, f"{name}_inner")
            rename(graph, tensor.name, name)
            tensor.name = name


def _reason(estimator: Any, error: Exception) -> str:
    """Return the name of the part that has no graph, or the first sentence of skl2onnx's error."""
    if part := without_graph(estimator):
        return f"skl2onnx has no working converter for {part}"
    if isinstance(error, MissingShapeCalculator | MissingConverter):
        unknown = re.search(r"class '[\w.]*?(\w+)'", str(error))
        return f"skl2onnx has no converter for {unknown[1] if unknown else 'a part of it'}"
    if isinstance(error, KeyError) and isinstance(error.args[0], type):
        return f"skl2onnx converts {error.args[0].__name__} alone or in a pipeline, but not inside another estimator"
    return line(error).partition(". ")[0].rstrip(".")
