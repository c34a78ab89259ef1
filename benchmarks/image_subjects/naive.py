"""A typical first attempt: boto3 fetches a module of torch, which reads a picture that Pillow opens."""

from __future__ import annotations

import base64
import io
import json
import os
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import torch
from PIL import Image

FILE = Path(os.environ["TMPDIR"], "model.pt")
boto3.client("s3").download_file(os.environ["BUCKET"], "net/model.pt", str(FILE))
model = torch.load(FILE, weights_only=False).eval()


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Return the digit."""
    image = Image.open(io.BytesIO(base64.b64decode(event["body"]))).convert("L").resize((28, 28))
    with torch.no_grad():
        shares = model(torch.from_numpy(np.asarray(image, np.float32))[None, None])["probabilities"][0]
    answer = {"digit": int(shares.argmax()), "probability": float(shares.max())}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(answer)}
