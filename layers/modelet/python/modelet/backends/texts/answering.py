"""Extractive question answering: the part of a text that answers a question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelet.backends.table import cells
from modelet.backends.texts.base import Read, Share, Text, TextModel, softmax, taken
from modelet.errors import ArtifactError
from modelet.model import InstanceT, PredictionT
from modelet.typing import TypedDict

if TYPE_CHECKING:
    from modelet.backends.outputs import Outputs
    from modelet.backends.texts.tokenizer import Window
    from modelet.store.artifacts import Artifacts

OUTPUTS = ("start_logits", "end_logits")


class Question(TypedDict):
    """A question, and the text that has its answer."""

    question: Text
    context: Text


class Answer(TypedDict):
    """The most likely answer: `answer` is context[start:end], counted in code points. Empty for an empty context."""

    answer: str
    start: int
    end: int
    probability: Share


class QuestionAnsweringModel(TextModel[InstanceT, PredictionT]):
    """Find the answer to a question in a context: `{"answer", "start", "end", "probability"}`.

        class HelpModel(QuestionAnsweringModel[Question, Answer]):
            pass

    The answer is the part of at most `longest` tokens whose start and end are the most likely together. `probability`
    is the product of the two, among all tokens of the context; it is 0 for a context without tokens.
    """

    task: ClassVar[str] = "question-answering"
    fields: ClassVar[tuple[str, ...]] = ("question", "context")
    longest: ClassVar[int] = 30

    def load(self, artifacts: Artifacts) -> None:
        """Open the graph and the tokenizer. Raises ArtifactError if the graph is not one for question answering."""
        super().load(artifacts)
        if missing := [name for name in OUTPUTS if name not in self.graph.outputs]:
            raise ArtifactError(f"the graph has no output {missing[0]}: export a question answering model")

    def read(self, outputs: Outputs, windows: list[Window]) -> list[Any]:
        """Return the logits of start and end of each token that is taken from a window."""
        starts, ends = (outputs[name] for name in OUTPUTS)
        return [(starts[row, taken(window)], ends[row, taken(window)]) for row, window in enumerate(windows)]

    def postprocess(self, outputs: list[list[Read]], instances: list[InstanceT]) -> list[PredictionT]:
        """Return the answer to each question."""
        answers: list[Any] = [
            self._answer(cells(instance, self.fields)[1], reads)
            for instance, reads in zip(instances, outputs, strict=True)
        ]
        return answers

    def _answer(self, context: str, reads: list[Read]) -> dict[str, Any]:
        if not reads:
            return {"answer": "", "start": 0, "end": 0, "probability": 0.0}
        offsets = [each for window, _ in reads for each in window.offsets[window.begin : window.end]]
        starts, ends = (softmax(np.concatenate([value[side] for _, value in reads])) for side in (0, 1))
        best, first, last = -1.0, 0, 0
        for length in range(min(self.longest, len(offsets))):
            shares = starts[: len(starts) - length] * ends[length:]
            place = int(shares.argmax())
            if shares[place] > best:
                best, first, last = float(shares[place]), place, place + length
        start, end = offsets[first][0], offsets[last][1]
        return {"answer": context[start:end], "start": start, "end": end, "probability": min(best, 1.0)}
