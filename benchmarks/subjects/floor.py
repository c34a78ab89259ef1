"""The floor: only numpy and onnxruntime, the graph on the local disk, and JSON input and output."""

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
session = onnxruntime.InferenceSession(os.environ["GRAPH"], options, providers=["CPUExecutionProvider"])
[graph_input] = [node.name for node in session.get_inputs()]


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Return the predictions of rows, without any validation."""
    body = json.loads(event["body"])
    rows = body.get("instances", [body])
    matrix = np.array([[row[name] for name in FEATURES] for row in rows], np.float32)
    labels, probabilities = session.run(None, {graph_input: matrix})
    predictions = [
        {"label": label, "probability": probability}
        for label, probability in zip(labels.tolist(), probabilities.max(axis=1).tolist(), strict=True)
    ]
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(predictions)}
