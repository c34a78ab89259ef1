"""Remove the ZipMap of a given classifier, which makes a list of dicts of its probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnx import TensorProto, helper

from modelet.dev.publish.onnx.graph import LABEL, PROBABILITIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx

ZIPMAP = "ZipMap"


def without_zipmap(model: onnx.ModelProto) -> list[Any] | None:
    """Remove the ZipMap before one of a graph's two outputs, and name both as Modelet does; return its labels.

    None if there is none, if it is inside the graph, or if it does not name the labels.

    skl2onnx adds it by default, and CatBoost always. The tensor before it has the same probabilities, in the order of
    the labels. Source: https://onnx.ai/onnx/operators/onnx_aionnxml_ZipMap.html
    """
    graph = model.graph
    maps = [node for node in graph.node if node.op_type == ZIPMAP]
    ends = {output.name for output in graph.output}
    if len(maps) != 1 or len(ends) != 2 or maps[0].output[0] not in ends:
        return None
    [node] = maps
    [label] = ends - {node.output[0]}
    known = [each for each in node.attribute if each.name.startswith("classlabels_") and (each.strings or each.ints)]
    if len(known) != 1:
        return None
    labels = texts(helper.get_attribute_value(known[0]))
    shares = node.input[0]
    graph.node.remove(node)
    rename(graph, PROBABILITIES, f"{PROBABILITIES}_inner")
    rename(graph, LABEL, f"{LABEL}_inner")
    inner = {PROBABILITIES: f"{PROBABILITIES}_inner", LABEL: f"{LABEL}_inner"}
    rename(graph, inner.get(shares, shares), PROBABILITIES)
    rename(graph, inner.get(label, label), LABEL)
    kinds = {output.name: output.type.tensor_type.elem_type for output in graph.output}
    del graph.output[:]
    graph.output.extend(
        [
            helper.make_tensor_value_info(LABEL, kinds[label], [None]),
            helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, [None, len(labels)]),
        ]
    )
    return labels


def texts(values: Sequence[Any]) -> list[Any]:
    """Return an attribute's values, texts decoded."""
    return [value.decode() if isinstance(value, bytes) else value for value in values]


def rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Rename a tensor wherever a node reads or writes it."""
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new
