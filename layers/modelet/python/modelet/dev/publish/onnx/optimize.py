"""Optimisation of a graph, once, before it is compared, so that onnxruntime does not repeat it at each start."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx

from modelet.backends.onnx import session_options
from modelet.dev.publish.onnx.forests import compact
from modelet.dev.publish.onnx.graph import line
from modelet.errors import ConversionError


def optimized(data: bytes) -> bytes:
    """Return the graph with large forests as arrays, and with onnxruntime's optimisations for any processor.

    Its level EXTENDED is the last that does not depend on the processor: the same file serves x86 and arm64
    (onnxruntime.ai, graph optimizations). A graph that it does not change keeps its bytes. Raises ConversionError if
    onnxruntime cannot run it.
    """
    model = onnx.load_from_string(data)
    smaller = compact(model)
    if smaller is not None:
        model, data = smaller, smaller.SerializeToString(deterministic=True)
    found = _by_onnxruntime(data)
    if [*found.graph.node] == [*model.graph.node]:
        return data
    # onnxruntime declares every domain that it knows, and another release may not know them all.
    used = {node.domain for node in found.graph.node}
    opsets = {opset.domain: opset for opset in found.opset_import if opset.domain in used}
    del found.opset_import[:]
    found.opset_import.extend(opset for _, opset in sorted(opsets.items()))
    return bytes(found.SerializeToString(deterministic=True))


def _by_onnxruntime(data: bytes) -> onnx.ModelProto:
    import onnxruntime  # after modelet.backends.onnx, which disables its telemetry

    options = session_options()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "model.onnx")
        try:
            onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no common base class
            raise ConversionError(f"onnxruntime cannot optimise the graph: {line(error)}") from error
        return onnx.load(options.optimized_model_filepath)
