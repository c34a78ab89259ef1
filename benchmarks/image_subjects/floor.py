"""The floor: numpy, onnxruntime and Pillow, the graph on the local disk, one PNG."""

from __future__ import annotations

import base64
import io
import json
import os
from typing import Any

import numpy as np
import onnxruntime
from PIL import PngImagePlugin
from PIL.Image import Resampling

FOLDER = os.environ["MODEL"]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 3
options.enable_mem_pattern = False
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # as Modelet opens it
session = onnxruntime.InferenceSession(f"{FOLDER}/model.onnx", options, providers=["CPUExecutionProvider"])


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Return the digit."""
    image = PngImagePlugin.PngImageFile(io.BytesIO(base64.b64decode(event["body"]))).convert("L")
    values = np.asarray(image.resize((28, 28), Resampling.BILINEAR), np.float32)
    [shares] = session.run(None, {"image": values[np.newaxis, np.newaxis]})
    answer = {"digit": int(shares[0].argmax()), "probability": float(shares[0].max())}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(answer)}
