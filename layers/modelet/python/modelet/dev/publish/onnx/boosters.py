"""Conversion of models of LightGBM, XGBoost and CatBoost, registered for one conversion only."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from onnx import TensorProto
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

from modelet.dev.publish.boosting.libraries import adapter, library_of, unsaved
from modelet.dev.publish.onnx.kinds import SKLEARN
from modelet.dev.publish.onnx.nodes import ML, Nodes
from modelet.dev.publish.onnx.trees import CLASSIFIER, REGRESSOR
from modelet.dev.publish.source.parts import kind_of, parts
from modelet.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelet.dev.publish.onnx.doubles import Doubles
    from modelet.dev.publish.onnx.ensembles import Boosted

VERSION = 3
"""The version of ai.onnx.ml whose ensembles support doubles."""

LINKS = {"EXP": "Exp", "LOGISTIC": "Sigmoid"}
"""The operators that turn a score into a regressor's number."""

SCALED = f"drop the scaler: trees do not need it, {SKLEARN}"


class Registered(NamedTuple):
    """What skl2onnx needs to convert classes that it does not know, for one conversion."""

    converters: dict[type[Any], Callable[..., None]]
    shapes: dict[type[Any], Callable[..., None]]
    parsers: dict[type[Any], Callable[..., Any]]


def registered(estimator: Any, doubles: Doubles) -> Registered:
    """Return the functions for all models of these libraries inside an estimator."""
    kinds = {type(part): library for part in parts(estimator) if (library := library_of(part))}

    def convert(scope: Any, operator: Any, container: Any) -> None:
        library = kinds[type(operator.raw_operator)]
        if why := unsaved(operator.raw_operator):
            raise ConversionError(f"{type(operator.raw_operator).__name__} {why}, {SKLEARN}")
        model: Boosted = import_module(f"modelet.dev.publish.onnx.{library}").boosted(operator.raw_operator)
        write = _classify if kind_of(operator.raw_operator) == "classifier" else _regress
        write(Nodes(scope, container), operator, model, doubles)

    return Registered(dict.fromkeys(kinds, convert), dict.fromkeys(kinds, _shape), dict.fromkeys(kinds, _parse))


def _parse(scope: Any, part: Any, inputs: Sequence[Any], *_: Any, **__: Any) -> Any:
    """Declare a model's outputs: a label and probabilities, or a number."""
    operator = scope.declare_local_operator(f"Modelet{type(part).__name__}", part)
    operator.inputs = list(inputs)
    if kind_of(part) == "classifier":
        label = StringTensorType() if _has_texts(part) else Int64TensorType()
        outputs = [("label", label), ("probabilities", FloatTensorType())]
    else:
        outputs = [("variable", FloatTensorType())]
    for name, kind in outputs:
        operator.outputs.append(scope.declare_local_variable(name, kind))
    return operator.outputs


def _shape(operator: Any) -> None:
    part = operator.raw_operator
    if kind_of(part) != "classifier":
        operator.outputs[0].type = FloatTensorType([None, 1])
        return
    operator.outputs[0].type = (StringTensorType if _has_texts(part) else Int64TensorType)([None])
    operator.outputs[1].type = FloatTensorType([None, len(part.classes_)])


def _has_texts(part: Any) -> bool:
    return np.asarray(part.classes_).dtype.kind in "UO"


def _classify(nodes: Nodes, operator: Any, model: Boosted, doubles: Doubles) -> None:
    part, (forest, base, link, dtype) = operator.raw_operator, model
    labels = np.asarray(part.classes_)
    scores = 1 if len(labels) == 2 and len(base) == 1 else len(labels)
    if link not in {"LOGISTIC", "SOFTMAX"} or len(base) != scores:
        raise ConversionError(
            f"{type(part).__name__} was trained with an objective that gives no probabilities: use another, {SKLEARN}"
        )
    if scores == 1:
        forest.make_scores(dtype)
    kind = "classlabels_strings" if _has_texts(part) else "classlabels_int64s"
    nodes.add_many(
        CLASSIFIER,
        [_numbers(nodes, operator, doubles, dtype)],
        [each.full_name for each in operator.outputs],
        domain=ML,
        version=VERSION,
        post_transform=link,
        **{kind: labels.tolist() if _has_texts(part) else labels.astype(np.int64).tolist()},
        **forest.attributes("class", base, dtype),
    )


def _regress(nodes: Nodes, operator: Any, model: Boosted, doubles: Doubles) -> None:
    forest, base, link, dtype = model
    if len(base) > 1:
        raise ConversionError(
            f"{type(operator.raw_operator).__name__} predicts several numbers: train one model for each, {SKLEARN}"
        )
    said = {"domain": ML, "version": VERSION, "n_targets": 1, **forest.attributes("target", base, dtype)}
    numbers, output = _numbers(nodes, operator, doubles, dtype), operator.outputs[0].full_name
    if link in LINKS:
        nodes.add(LINKS[link], nodes.add(REGRESSOR, numbers, **said), output=output)
    else:
        nodes.add(REGRESSOR, numbers, output=output, **said)


def _numbers(nodes: Nodes, operator: Any, doubles: Doubles, dtype: type[Any]) -> str:
    """Return the tensor that the trees compare: numbers as the library rounds them, and categories as codes."""
    part, library = operator.raw_operator, library_of(operator.raw_operator)
    assert library is not None  # noqa: S101 - only models of these libraries are registered
    names = [each.full_name for each in operator.inputs]
    if library == "lightgbm" and not doubles.are_same(nodes, *names):
        raise ConversionError(
            f"{type(part).__name__} compares values that earlier steps compute, and a graph rounds them differently: "
            f"{SCALED}"
        )
    coded = {place: values for place, values in adapter(library).coded(part).items() if _is_coded(values)}
    found, place = [], 0
    for each in operator.inputs:
        width = each.type.shape[1] or 1
        places = range(place, place + width)
        place += width
        if width == 1 and places[0] in coded:
            found.append(_codes(nodes, each.full_name, each.type, coded[places[0]], part))
        elif set(places) & coded.keys():
            for index, at in enumerate(places):
                one = nodes.add("Gather", each.full_name, nodes.constant(np.array([index], np.int64)), axis=1)
                found.append(_codes(nodes, one, each.type, coded[at], part) if at in coded else doubles.of(nodes, one))
        elif isinstance(each.type, StringTensorType):
            raise ConversionError(
                f"{type(part).__name__} gets texts in a column that was no category at its fit: encode them, {SKLEARN}"
            )
        else:
            found.append(each.full_name)
    if not coded and not doubles.taken and dtype is np.float32 and len(found) == 1 and _is_float(operator.inputs[0]):
        return found[0]
    joined = doubles.of(nodes, *found)
    if library == "lightgbm":
        return joined
    rounded = nodes.add("Cast", joined, to=TensorProto.FLOAT)  # as the library itself does
    return rounded if dtype is np.float32 else nodes.add("Cast", rounded, to=TensorProto.DOUBLE)


def _is_float(tensor: Any) -> bool:
    return isinstance(tensor.type, FloatTensorType)


def _is_coded(values: Sequence[Any] | None) -> bool:
    """Return whether a column's values differ from the codes that stand for them."""
    return values is not None and list(values) != list(range(len(values)))


def _codes(nodes: Nodes, name: str, kind: Any, values: Sequence[Any] | None, part: Any) -> str:
    """Return the codes of a column of categories; NaN for any other value."""
    known = list(values or ())
    said: dict[str, Any] = {"values_floats": [float(code) for code in range(len(known))], "default_float": float("nan")}
    if isinstance(kind, StringTensorType):
        said["keys_strings"] = [str(value) for value in known]
    elif isinstance(kind, Int64TensorType):
        said["keys_int64s"] = [int(value) for value in known]
    elif all(float(np.float32(value)) == value for value in known):
        said["keys_floats"] = [float(value) for value in known]
    else:
        raise ConversionError(
            f"{type(part).__name__} has categories that single precision rounds: use other values, {SKLEARN}"
        )
    return nodes.add("LabelEncoder", name, domain=ML, version=2, **said)
