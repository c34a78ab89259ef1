"""Publish the exported network in `model/`: `modelet publish digits` calls `train`, which needs no torch.

`make export-digits` trains it again (training/fit.py) and exports it. The accuracy of a version is measured when it is
published, on pictures that were not trained on, and on the same ones inverted.
"""

from pathlib import Path

import numpy as np
import onnxruntime
from training.data import pictures

from modelet.publishing import ExportedModule

FOLDER = Path(__file__).parent / "model"


def train() -> ExportedModule:
    """Return the exported network, with held-out pictures and its accuracy on them."""
    images, digits = pictures(held_out=True)
    session = onnxruntime.InferenceSession(FOLDER / "model.onnx", providers=["CPUExecutionProvider"])

    def accuracy(given: np.ndarray) -> float:
        [shares] = session.run(["probabilities"], {"image": given})
        return float((shares.argmax(axis=1) == digits).mean())

    return ExportedModule(
        folder=FOLDER,
        examples={"image": images},
        metrics={"accuracy": accuracy(images), "accuracy_inverted": accuracy(255 - images)},
        metric="accuracy",
        task="classification",
        labels=list(range(10)),
        info={"data": "scikit-learn's digits"},
    )
