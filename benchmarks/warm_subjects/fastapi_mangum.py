"""FastAPI and Mangum with the same contract in pydantic, and onnxruntime or scikit-learn, depending on MODEL.

Its endpoint is a coroutine, because a plain function uses a thread pool, and rows become a matrix in the fastest way.
This is the best performance within the framework.
"""

from __future__ import annotations

import json
import os
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal

import numpy as np
from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel, create_model

FEATURES = json.loads(os.environ["FEATURES"])
MODEL = Path(os.environ["MODEL"])
TEXT = FEATURES == ["text"]

FIELDS: dict[str, Any] = dict.fromkeys(FEATURES, (str if TEXT else float, ...))
Instance = create_model("Instance", **FIELDS)
values = attrgetter(*FEATURES)


class Rows(BaseModel):
    """A request with rows."""

    instances: list[Instance]  # type: ignore[valid-type]  # pydantic makes it from the names


class Prediction(BaseModel):
    """One prediction."""

    label: str
    probability: float


class Predictions(BaseModel):
    """The response to rows."""

    predictions: list[Prediction]
    model: str
    version: str


class Tensor(BaseModel):
    """A matrix of the Open Inference Protocol."""

    name: str
    shape: list[int]
    datatype: Literal["FP32", "FP64"]
    data: list[float]


class Tensors(BaseModel):
    """A request with tensors."""

    inputs: list[Tensor]


class Output(BaseModel):
    """A tensor in the response."""

    name: str
    shape: list[int]
    datatype: str
    data: list[str] | list[float]


class Outputs(BaseModel):
    """The response to tensors."""

    outputs: list[Output]


if MODEL.suffix == ".onnx":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])
    graph_input = session.get_inputs()[0].name

    def predict(rows: Any) -> tuple[list[str], list[float]]:
        """Return labels and their probabilities from the graph."""
        matrix = np.array([[text] for text in rows], object) if TEXT else np.asarray(rows, np.float32)
        labels, probabilities = session.run(None, {graph_input: matrix})
        return labels.tolist(), probabilities.max(axis=1).tolist()
else:
    import joblib

    estimator = joblib.load(MODEL)

    def predict(rows: Any) -> tuple[list[str], list[float]]:
        """Return labels and their probabilities from the estimator."""
        probabilities = estimator.predict_proba(rows)
        return estimator.classes_[probabilities.argmax(axis=1)].tolist(), probabilities.max(axis=1).tolist()


app = FastAPI()


@app.post("/models/{name}/infer")
async def infer(name: str, body: Rows) -> Predictions:
    """Respond to rows."""
    labels, shares = predict([values(each) for each in body.instances])
    found = [Prediction(label=label, probability=share) for label, share in zip(labels, shares, strict=True)]
    return Predictions(predictions=found, model=name, version="1")


@app.post("/v2/models/{name}/infer")
async def infer_tensors(body: Tensors) -> Outputs:
    """Respond to a matrix."""
    [matrix] = body.inputs
    labels, shares = predict(np.array(matrix.data).reshape(matrix.shape))
    shape = [len(labels)]
    return Outputs(
        outputs=[
            Output(name="label", datatype="BYTES", shape=shape, data=labels),
            Output(name="probability", datatype="FP64", shape=shape, data=shares),
        ]
    )


handler = Mangum(app, lifespan="off")
