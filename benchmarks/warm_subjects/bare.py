"""The minimum of a warm request: parse, one array, one run of the graph, and JSON, without validation and logs."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import onnxruntime

FEATURES = json.loads(os.environ["FEATURES"])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 3
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
[graph_input] = session.get_inputs()
NAME, DTYPE = graph_input.name, object if "string" in graph_input.type else np.float32


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Respond to rows with rows, and to a tensor with tensors."""
    body = json.loads(event["body"])
    if "inputs" in body:
        [tensor] = body["inputs"]
        return _answer(_tensors(*_run(np.array(tensor["data"], DTYPE).reshape(tensor["shape"]))))
    labels, shares = _run(np.array([[row[name] for name in FEATURES] for row in body["instances"]], DTYPE))
    return _answer([{"label": label, "probability": share} for label, share in zip(labels, shares, strict=True)])


def _run(matrix: Any) -> tuple[list[str], list[float]]:
    labels, probabilities = session.run(None, {NAME: matrix})
    return labels.tolist(), probabilities.max(axis=1).tolist()


def _tensors(labels: list[str], shares: list[float]) -> dict[str, Any]:
    shape = [len(labels)]
    return {
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": shape, "data": labels},
            {"name": "probability", "datatype": "FP64", "shape": shape, "data": shares},
        ]
    }


def _answer(value: Any) -> dict[str, Any]:
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(value)}
