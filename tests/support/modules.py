"""Exported modules of torch, as `modelet.dev.publish.export.modules` writes them, made without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from modelet.digest import digest

WEIGHTS = np.array([[1, -1, 0.5], [0.25, 2, -3]], np.float32)


def linear(*, shape: tuple[Any, ...] = ("batch", 2), output: str = "output", softmax: bool = False) -> bytes:
    """A graph of x @ WEIGHTS, of vectors or of sequences of them."""
    nodes = [helper.make_node("MatMul", ["x", "weights"], ["scores" if softmax else output])]
    if softmax:
        nodes.append(helper.make_node("Softmax", ["scores"], [output], axis=-1))
    return graph(nodes, {"x": (TensorProto.FLOAT, shape)}, {output: (TensorProto.FLOAT, (*shape[:-1], 3))}, WEIGHTS)


def mean_of_rows() -> bytes:
    """A graph whose answer to a row depends on the others."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], keepdims=1, axes=[0]),
        helper.make_node("Sub", ["x", "mean"], ["output"]),
    ]
    shape = ("batch", 2)
    return graph(nodes, {"x": (TensorProto.FLOAT, shape)}, {"output": (TensorProto.FLOAT, shape)}, opset=13)


def graph(nodes: Any, inputs: Any, outputs: Any, weights: Any = None, opset: int = 18) -> bytes:
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "module",
            [helper.make_tensor_value_info(name, *each) for name, each in inputs.items()],
            [helper.make_tensor_value_info(name, *each) for name, each in outputs.items()],
            [] if weights is None else [numpy_helper.from_array(weights, "weights")],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=10,
    )
    onnx.checker.check_model(made)
    data: bytes = made.SerializeToString()
    return data


def write_module(folder: Path, content: bytes, **record: Any) -> Path:
    """Write the folder of an exported module. record: other members of export.json."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(content)
    made = {
        "kind": "module", "class": "Net", "source": "model.pt", "inputs": ["x"], "outputs": ["output"], "notes": [],
        "libraries": {"torch": "2.13.0"}, "opset": 18, "graph_sha256": digest(content),
        "parity": {"compared_with": "torch 2.13.0", "greatest_difference": 1e-7}, **record,
    }  # fmt: skip
    (folder / "export.json").write_text(json.dumps(made))
    return folder
