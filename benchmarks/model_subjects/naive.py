"""A typical first attempt for any estimator: FastAPI with Mangum, boto3 for a joblib file, pandas for the rows."""

from __future__ import annotations

import io
import os
from typing import Any

import boto3
import joblib
import pandas as pd
from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel


class Rows(BaseModel):
    """A request."""

    instances: list[dict[str, Any]]


found = boto3.client("s3").get_object(Bucket=os.environ["BUCKET"], Key=os.environ["KEY"])
model = joblib.load(io.BytesIO(found["Body"].read()))
app = FastAPI()


@app.post("/{_:path}")
async def infer(rows: Rows) -> list[Any]:
    """Return the predictions of rows."""
    frame = pd.DataFrame(rows.instances)
    for name, values in frame.items():
        is_text = any(isinstance(value, str) for value in values)
        frame[name] = values.astype("category") if is_text else pd.to_numeric(values)
    if hasattr(model, "predict_proba"):
        return list(model.predict_proba(frame).tolist())
    return list(model.predict(frame).tolist())


handler = Mangum(app, lifespan="off")
