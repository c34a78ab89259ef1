"""The nodes that Modelet's own converters write to a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper

if TYPE_CHECKING:
    from collections.abc import Sequence

ONNXRUNTIME, ML = "com.microsoft", "ai.onnx.ml"


class Nodes:
    """A writer of nodes with one output, each with a unique name."""

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope, self._container = scope, container

    def add(
        self,
        kind: str,
        *inputs: str,
        output: str | None = None,
        domain: str = "",
        version: int | None = None,
        **attributes: Any,
    ) -> str:
        """Add a node and return the name of its output. version: None takes the newest one in the target opset."""
        output = output or self.name(kind)
        self.add_many(kind, inputs, [output], domain=domain, version=version, **attributes)
        return output

    def add_many(
        self,
        kind: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        *,
        domain: str = "",
        version: int | None = None,
        **attributes: Any,
    ) -> None:
        """Add a node with several outputs."""
        self._container.add_node(
            kind,
            list(inputs),
            list(outputs),
            op_domain=domain,
            op_version=(version or 1) if domain else version,
            name=self._scope.get_unique_operator_name(kind),
            **attributes,
        )

    def constant(self, values: Any) -> str:
        """Add a constant, and return its name."""
        name = self.name("constant")
        array = np.asarray(values)
        kind = onnx.TensorProto.STRING if array.dtype == object else helper.np_dtype_to_tensor_dtype(array.dtype)
        self._container.add_initializer(name, kind, list(array.shape), array.ravel().tolist())
        return name

    def name(self, kind: str) -> str:
        """Return a name that no other tensor has."""
        unique: str = self._scope.get_unique_variable_name(kind.lower())
        return unique

    def producer(self, name: str) -> onnx.NodeProto | None:
        """Return the node that outputs a tensor; None for a graph input or a constant."""
        return next((node for node in self._container.nodes if name in node.output), None)

    def is_constant(self, name: str) -> bool:
        """Return whether a tensor is a constant."""
        return any(each.name == name for each in self._container.initializers)
