"""An ONNX graph: what it takes and gives, whether it can be served, and its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime

from modelet.errors import ConversionError, PublishError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

TYPES: dict[str, type[Any]] = {
    "tensor(float)": np.float32,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": object,
}
"""The input types that can be served, by onnxruntime's names."""

FATAL = 4


class Graph:
    """An ONNX graph that onnxruntime runs as a function's environment would, on one thread.

    Raises ConversionError where onnxruntime cannot run it.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        options = onnxruntime.SessionOptions()
        options.log_severity_level = FATAL
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no common root
            raise ConversionError(
                f"onnxruntime {onnxruntime.__version__} cannot run the graph: {line(error)}"
            ) from error
        self.inputs = {node.name: node for node in self._session.get_inputs()}
        self.outputs = {node.name: node for node in self._session.get_outputs()}

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The outputs by name. Raises PublishError where onnxruntime refuses the inputs."""
        try:
            found = self._session.run(list(self.outputs), dict(feeds))
        except Exception as error:  # the same
            raise PublishError(f"the graph cannot answer: {line(error)}") from error
        return dict(zip(self.outputs, found, strict=True))

    def described(self) -> dict[str, Any]:
        """What a manifest's `compiled` says about the graph itself."""
        model = onnx.load_from_string(self.data)
        opsets = {opset.domain: opset.version for opset in model.opset_import}
        return {"backend": "onnx", "opset": opsets.get("", 0), "ir_version": model.ir_version}


def check_servable(model: onnx.ModelProto) -> None:
    """Refuse what runs here and answers wrongly, or not at all, where it is served. Raises ConversionError."""
    operators = {node.op_type for node in model.graph.node}
    for node in model.graph.node:
        if node.op_type == "StringNormalizer" and any(
            attribute.name == "case_change_action" and attribute.s not in {b"", b"NONE"} for attribute in node.attribute
        ):
            raise ConversionError(
                "the graph lower-cases text, which needs the en_US.UTF-8 locale that slim images lack: "
                "lower-case in Python, and train with lowercase=False"
            )
    initialized = {initializer.name for initializer in model.graph.initializer}
    if any(initializer.external_data for initializer in model.graph.initializer):
        raise ConversionError("the graph keeps its weights in other files: save it as one file")
    for node in model.graph.input:
        if node.name in initialized or node.type.tensor_type.elem_type != onnx.TensorProto.DOUBLE:
            continue
        trees = sorted(name for name in operators if name.startswith("TreeEnsemble"))
        why = f", and {trees[0]} answers wrongly on them" if trees else ""
        raise ConversionError(f"the graph's input {node.name} takes doubles{why}: convert it with float32 inputs")
    for node in model.graph.output:
        if not node.type.HasField("tensor_type"):
            raise ConversionError(
                f"the graph's output {node.name} is no tensor: convert classifiers with the option zipmap=False"
            )


def read_model(data: bytes, name: str) -> onnx.ModelProto:
    """Parse a graph. Raises PublishError where it is none."""
    try:
        model = onnx.load_from_string(data)
    except Exception as error:  # protobuf's errors have no root that it would name
        raise PublishError(f"{name} is no ONNX graph: {line(error)}") from error
    if not model.graph.node:
        raise PublishError(f"{name} is no ONNX graph: it has no nodes")
    return model


def line(error: BaseException) -> str:
    """An error as one short line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:200]}…"
