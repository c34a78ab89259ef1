"""Sentence embeddings: a vector for each text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelet.backends.texts.base import Read, Text, TextModel
from modelet.model import InstanceT, PredictionT
from modelet.typing import TypedDict

if TYPE_CHECKING:
    from modelet.backends.outputs import Outputs
    from modelet.backends.texts.tokenizer import Window


class Document(TypedDict):
    """A text to turn into a vector."""

    text: Text


class Embedding(TypedDict):
    """A vector of length 1."""

    embedding: list[float]


class SentenceEmbeddingModel(TextModel[InstanceT, PredictionT]):
    """Turn a text into a vector of length 1: `{"embedding": [...]}`.

        class MeaningModel(SentenceEmbeddingModel[Document, Embedding]):
            pass

    It is the mean of the vectors of all tokens, special ones included, as in sentence-transformers; an output of shape
    (texts, size) is taken as it is. A text of several windows gets the mean of its windows, weighted by their tokens.
    """

    task: ClassVar[str] = "sentence-embedding"

    def has_content(self, window: Window) -> bool:  # noqa: ARG002 - an empty text has a vector too
        """Return True: an empty text has the vector of its special tokens."""
        return True

    def read(self, outputs: Outputs, windows: list[Window]) -> list[Any]:
        """Return each window's vector."""
        found = next(iter(outputs.values()))
        if found.ndim == 2:
            return list(found)
        return [found[row, : len(window.ids)].mean(axis=0) for row, window in enumerate(windows)]

    def postprocess(self, outputs: list[list[Read]], instances: list[InstanceT]) -> list[PredictionT]:  # noqa: ARG002
        """Return the vector of each text."""
        answers: list[Any] = []
        for reads in outputs:
            weights = [len(window.ids) for window, _ in reads]
            mean = np.average([value for _, value in reads], axis=0, weights=weights)
            answers.append({"embedding": (mean / max(float(np.linalg.norm(mean)), 1e-12)).tolist()})
        return answers
