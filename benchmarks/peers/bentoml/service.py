"""A BentoML service with one worker, the default."""

import os

import bentoml
import joblib
import numpy as np


@bentoml.service(logging={"access": {"enabled": False}})
class Iris:
    """Iris flowers by a scikit-learn pipeline."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["MODEL"])

    @bentoml.api
    def classify(self, flowers: np.ndarray) -> list[str]:
        """Return the species of each row."""
        return self.model.predict(flowers).tolist()
