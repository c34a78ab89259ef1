"""Classification of a document, and of a pair of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from modelet.backends.texts.base import Read, Share, Text, TextModel, softmax
from modelet.model import InstanceT, PredictionT
from modelet.typing import TypedDict

if TYPE_CHECKING:
    from modelet.backends.outputs import Outputs
    from modelet.backends.texts.tokenizer import Window


class Document(TypedDict):
    """A text to classify."""

    text: Text


class Pair(TypedDict):
    """Two texts to classify together."""

    first: Text
    second: Text


class Classified(TypedDict):
    """The most likely label, and the probability of each."""

    label: str
    probability: Share
    probabilities: dict[str, Share]


class DocumentClassificationModel(TextModel[InstanceT, PredictionT]):
    """Classify a text: `{"label", "probability", "probabilities"}`.

        class TopicModel(DocumentClassificationModel[Document, Classified]):
            pass

    The probabilities of a text of several windows are the means over its windows, each weighted by the tokens that are
    taken from it.
    """

    task: ClassVar[str] = "text-classification"
    classifies: ClassVar[bool] = True

    def has_content(self, window: Window) -> bool:  # noqa: ARG002 - an empty text has a class too
        """Return True: the graph classifies an empty text too."""
        return True

    def read(self, outputs: Outputs, windows: list[Window]) -> list[Any]:  # noqa: ARG002 - one row for each
        """Return the probabilities of each window's labels."""
        return list(softmax(next(iter(outputs.values()))))

    def postprocess(self, outputs: list[list[Read]], instances: list[InstanceT]) -> list[PredictionT]:  # noqa: ARG002
        """Return the most likely label of each text, and the probabilities of all."""
        answers: list[Any] = [self._answer(reads) for reads in outputs]
        return answers

    def _answer(self, reads: list[Read]) -> dict[str, Any]:
        if len(reads) == 1:
            shares = reads[0].value
        else:
            weights = [window.end - window.begin for window, _ in reads]
            shares = sum(weight * value for weight, (_, value) in zip(weights, reads, strict=True)) / sum(weights)
        named = dict(zip(self.labels, (min(share, 1.0) for share in shares.tolist()), strict=True))
        label = self.labels[int(shares.argmax())]
        return {"label": label, "probability": named[label], "probabilities": named}


class PairClassificationModel(DocumentClassificationModel[InstanceT, PredictionT]):
    """Classify two texts together, such as a premise and a hypothesis: `{"first", "second"}`.

    If the two are longer than a window, the second is cut, and each of its windows has the whole first text.
    """

    task: ClassVar[str] = "pair-classification"
    fields: ClassVar[tuple[str, ...]] = ("first", "second")
