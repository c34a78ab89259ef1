"""The floor of a graph: only numpy and onnxruntime, and the graph on the local disk."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import onnxruntime

TYPES: dict[str, Any] = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64}
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 3
options.enable_mem_pattern = False
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # as Modelet opens it
session = onnxruntime.InferenceSession(os.environ["GRAPH"], options, providers=["CPUExecutionProvider"])
inputs = session.get_inputs()


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Return the graph's outputs for rows, without any validation."""
    rows = json.loads(event["body"])["instances"]
    if len(inputs) == 1 and inputs[0].name not in rows[0]:
        feeds = {inputs[0].name: np.array([list(row.values()) for row in rows], TYPES[inputs[0].type])}
    else:
        feeds = {
            node.name: np.array([[row[node.name]] for row in rows], TYPES.get(node.type, object)) for node in inputs
        }
    found = [output.tolist() for output in session.run(None, feeds)]
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(found)}
