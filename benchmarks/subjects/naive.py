"""A typical first attempt: FastAPI with Mangum, boto3 to fetch the model, and scikit-learn to run it."""

from __future__ import annotations

import io
import os
from typing import Literal

import boto3
import joblib
from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel, PositiveFloat


class Flower(BaseModel):
    """One instance."""

    sepal_length: PositiveFloat
    sepal_width: PositiveFloat
    petal_length: PositiveFloat
    petal_width: PositiveFloat


class Flowers(BaseModel):
    """A request."""

    instances: list[Flower]


class Species(BaseModel):
    """One prediction."""

    label: Literal["setosa", "versicolor", "virginica"]
    probability: float


found = boto3.client("s3").get_object(Bucket=os.environ["BUCKET"], Key=os.environ["KEY"])
model = joblib.load(io.BytesIO(found["Body"].read()))
app = FastAPI()


@app.post("/models/iris/infer")
async def infer(flowers: Flowers) -> list[Species]:
    """Return the predictions of rows."""
    rows = [list(flower.model_dump().values()) for flower in flowers.instances]
    probabilities = model.predict_proba(rows)
    labels = model.classes_[probabilities.argmax(axis=1)]
    return [
        Species(label=label, probability=probability)
        for label, probability in zip(labels, probabilities.max(axis=1), strict=True)
    ]


handler = Mangum(app, lifespan="off")
