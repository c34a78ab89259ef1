"""Interpret the outputs of a given graph: labels with probabilities, one number per row, or a vector."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import onnx

from modelet.backends.outputs import labels_of
from modelet.dev.publish.onnx.graph import LABEL, PROBABILITIES, VARIABLE
from modelet.dev.publish.onnx.zipmap import texts
from modelet.dev.publish.source.answer import OTHER, Shape
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from modelet.backends.onnx import Outputs

TENSORS = {onnx.TensorProto.STRING, onnx.TensorProto.INT64}


def outcome(model: onnx.ModelProto, outputs: Outputs, known: list[Any] | None = None) -> Shape:
    """Return the shape of a graph's predictions, with a classifier's labels in the order of its probabilities.

    outputs: its outputs for the examples. known: the labels that a ZipMap of the graph had. Raises PublishError if
    labels and probabilities contradict each other.
    """
    if _is_classified(outputs):
        said, width = labels_of(outputs), outputs[PROBABILITIES].shape[1]
        fitting = [
            found
            for found in ([known] if known else _lists(model, said))
            if len(set(found)) == len(found) == width and set(said) <= set(found)
        ]
        likeliest = outputs[PROBABILITIES].argmax(axis=1).tolist()
        ordered = next((found for found in fitting if not _contradicted(found, said, likeliest)), None)
        if fitting and ordered is None:
            raise PublishError(
                f"the graph's probabilities are not in the order of its labels, {', '.join(map(str, fitting[0]))}: for "
                f"most rows of {_contradicted(fitting[0], said, likeliest)[0]!r}, another label is the most probable"
            )
        return Shape("classification", ordered, {"outputs": [LABEL, PROBABILITIES]}) if ordered else OTHER
    numbers = list(outputs.values())
    if len(numbers) > 1 or numbers[0].dtype.kind != "f":
        return OTHER
    if numbers[0].size == len(numbers[0]):
        return Shape("regression", [], {"outputs": [VARIABLE]})
    if numbers[0].ndim != 2:
        return OTHER
    return Shape("transformation", [], {"outputs": ["vector"], "width": numbers[0].shape[1]})


def _is_classified(outputs: Outputs) -> bool:
    """Return whether there is one label per row, and a probability for each label."""
    if not {LABEL, PROBABILITIES} <= set(outputs):
        return False
    label, shares = outputs[LABEL], outputs[PROBABILITIES]
    return shares.ndim == 2 and label.shape in {(len(shares),), (len(shares), 1)}


def _lists(model: onnx.ModelProto, said: list[Any]) -> Iterator[list[Any]]:
    """Yield candidates for a graph's labels: those in its nodes and constants, the last first, and its outputs."""
    graph = model.graph
    for node in reversed(graph.node):
        for attribute in node.attribute:
            if attribute.name.startswith("classlabels_") and (attribute.strings or attribute.ints):
                yield texts(onnx.helper.get_attribute_value(attribute))
    for tensor in reversed(graph.initializer):
        if tensor.data_type in TENSORS:
            yield texts(onnx.numpy_helper.to_array(tensor).ravel().tolist())
    yield sorted(set(said))


def _contradicted(labels: Sequence[Any], said: list[Any], likeliest: list[int]) -> list[Any]:
    """Return the labels whose rows mostly have the highest probability in another label's column.

    A classifier may avoid a label that is slightly more probable (SVC, thresholds). That column is then also the
    highest for the rows of its own label, and is no contradiction.
    """
    columns = {
        label: Counter(place for each, place in zip(said, likeliest, strict=True) if each == label).most_common(1)[0][0]
        for label in set(said)
    }
    return [
        label
        for label in labels
        if label in columns
        and columns[label] != labels.index(label)
        and columns.get(labels[columns[label]]) != columns[label]
    ]
