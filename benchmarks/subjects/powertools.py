"""A function as Powertools recommends: its resolver with validation, Logger and Metrics, with boto3 and onnxruntime."""

from __future__ import annotations

import os
from typing import Any, Literal

import boto3
import numpy as np
import onnxruntime
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.metrics import MetricUnit
from pydantic import BaseModel, PositiveFloat

logger = Logger(service="iris")
metrics = Metrics(namespace="Benchmark", service="iris")
app = APIGatewayHttpResolver(enable_validation=True)


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
session = onnxruntime.InferenceSession(found["Body"].read(), providers=["CPUExecutionProvider"])


@app.post("/models/iris/infer")
def infer(flowers: Flowers) -> list[Species]:
    """Return the predictions of rows."""
    rows = np.array([list(flower.model_dump().values()) for flower in flowers.instances], np.float32)
    labels, probabilities = session.run(None, {session.get_inputs()[0].name: rows})
    metrics.add_metric(name="instances", unit=MetricUnit.Count, value=len(rows))
    return [
        Species(label=label, probability=probability)
        for label, probability in zip(labels, probabilities.max(axis=1), strict=True)
    ]


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handle an event of an HTTP API."""
    return app.resolve(event, context)
