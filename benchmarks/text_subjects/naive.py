"""A typical first attempt: boto3 fetches a Hugging Face folder, transformers and torch run it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import boto3
import torch
from transformers import AutoModelForTokenClassification, PreTrainedTokenizerFast

FOLDER = Path(os.environ["TMPDIR"])
for name in ("config.json", "model.safetensors", "tokenizer.json"):
    boto3.client("s3").download_file(os.environ["BUCKET"], f"bert/{name}", str(FOLDER / name))
tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(FOLDER / "tokenizer.json"))
model = AutoModelForTokenClassification.from_pretrained(FOLDER, local_files_only=True).eval()


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Return each token's tag and probability."""
    given = tokenizer(json.loads(event["body"])["sentence"], return_tensors="pt")
    with torch.no_grad():
        shares = torch.softmax(model(**given).logits[0], dim=-1)
    tokens, best, top = tokenizer.convert_ids_to_tokens(given["input_ids"][0]), shares.argmax(-1), shares.max(-1).values
    result = [
        {"token": token, "predicted_tag": model.config.id2label[int(label)], "top_prob": float(share)}
        for token, label, share in list(zip(tokens, best, top, strict=True))[1:-1]
    ]
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps({"result": result})}
