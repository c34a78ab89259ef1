"""The floor: numpy, onnxruntime and tokenizers, the files on the local disk, one sentence, no entities."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

FOLDER = os.environ["MODEL"]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 3
options.enable_mem_pattern = False
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # as Modelet opens it
session = onnxruntime.InferenceSession(f"{FOLDER}/model.onnx", options, providers=["CPUExecutionProvider"])
tokenizer = Tokenizer.from_file(f"{FOLDER}/tokenizer.json")
labels = json.load(open(f"{FOLDER}/model.json", encoding="utf-8"))["model_info"]["labels"]  # noqa: PTH123, SIM115 - it is the floor
names = [node.name for node in session.get_inputs()]


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Return each token's tag and probability."""
    found = tokenizer.encode(json.loads(event["body"])["sentence"])
    given = {"input_ids": found.ids, "attention_mask": found.attention_mask, "token_type_ids": found.type_ids}
    [logits] = session.run(None, {name: np.array([given[name]], np.int64) for name in names})
    raised = np.exp(logits[0] - logits[0].max(axis=-1, keepdims=True))
    shares = raised / raised.sum(axis=-1, keepdims=True)
    best, top = shares.argmax(axis=-1).tolist(), shares.max(axis=-1).tolist()
    result = [
        {"token": token, "predicted_tag": labels[label], "top_prob": share}
        for token, label, share in list(zip(found.tokens, best, top, strict=True))[1:-1]
    ]
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps({"result": result})}
