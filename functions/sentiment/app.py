"""Classify a short review, in Korean or in English, as positive or negative.

Cleaning is Python (`cleaning.py`); TF-IDF and logistic regression are one ONNX graph. A version has two files:
model.onnx, and labels.json with the names of the graph's classes.
"""

from typing import Annotated, Literal

import numpy as np
from cleaning import clean

from modelet import Artifacts, ModelHandler
from modelet.backends.onnx import Feeds, OnnxModel, Outputs
from modelet.typing import Ge, Le, Len, TypedDict


class Review(TypedDict):
    """One instance: a review."""

    text: Annotated[str, Len(1, 10_000)]


class Sentiment(TypedDict):
    """One prediction: the more likely label, and its probability."""

    label: Literal["negative", "positive"]
    probability: Annotated[float, Ge(0), Le(1)]


class SentimentModel(OnnxModel[Review, Sentiment]):
    """Clean the texts, run the graph, and name its classes."""

    def load(self, artifacts: Artifacts) -> None:
        """Open the graph and the names of its classes."""
        super().load(artifacts)
        id2label = artifacts.json("labels.json")["id2label"]
        self.labels = [id2label[str(place)] for place in range(len(id2label))]

    def preprocess(self, instances: list[Review]) -> Feeds:
        """Return the graph's input: clean texts, shape (instances, 1)."""
        return {"text": np.array([[clean(review["text"])] for review in instances], dtype=object)}

    def postprocess(self, outputs: Outputs, instances: list[Review]) -> list[Sentiment]:
        """Return the most likely class of each row of probabilities, shape (instances, classes), by name."""
        probabilities = outputs["probabilities"]
        likeliest = probabilities.argmax(axis=1).tolist()
        return [
            {"label": self.labels[place], "probability": row[place]}
            for place, row in zip(likeliest, probabilities.tolist(), strict=True)
        ]


handler = ModelHandler(SentimentModel)
