"""Token classification, such as named-entity recognition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from modelet.backends.table import cells
from modelet.backends.texts.base import Read, Share, Text, TextModel, softmax, taken
from modelet.backends.texts.labels import Label, check_outside, entities_of, label_of
from modelet.model import InstanceT, PredictionT
from modelet.typing import TypedDict

if TYPE_CHECKING:
    from modelet.backends.outputs import Outputs
    from modelet.backends.texts.tokenizer import Window
    from modelet.store.artifacts import Artifacts


class Sentence(TypedDict):
    """A text whose tokens are tagged."""

    sentence: Text


class Token(TypedDict):
    """A token of the tokenizer's vocabulary, with its most likely tag."""

    token: str
    predicted_tag: str
    top_prob: Share


class Entity(TypedDict):
    """A named entity: `text` is sentence[start:end], counted in code points."""

    text: str
    tag: str
    start: int
    end: int
    probability: Share


class Tagged(TypedDict):
    """The tokens of a sentence, and the entities that they form."""

    sentence: str
    result: list[Token]
    entities: list[Entity]


class TokenClassificationModel(TextModel[InstanceT, PredictionT]):
    """Tag the tokens of a sentence, and merge them into entities.

        class NerModel(TokenClassificationModel[Sentence, Tagged]):
            pass

    The answer has `sentence`, `result` (each token's most likely tag and its probability) and `entities` (with offsets
    in code points of the sentence). A version's `label_map` in model_info has readable names: {"PER": "인명"}.
    """

    task: ClassVar[str] = "token-classification"
    fields: ClassVar[tuple[str, ...]] = ("sentence",)
    classifies: ClassVar[bool] = True

    def load(self, artifacts: Artifacts) -> None:
        """Open the graph, the tokenizer, and the readable names of the labels. Raises ArtifactError as TextModel does.

        Raises it too if the labels have B- or the like, and no O.
        """
        super().load(artifacts)
        names = self.manifest.model_info.get("label_map", {})
        check_outside(self.labels)
        special = self.tokenizer.special_tokens()
        self.parsed = [label_of(raw, names, special) for raw in self.labels]

    def read(self, outputs: Outputs, windows: list[Window]) -> list[Any]:
        """Return the most likely label of each token that is taken from a window, and its probability."""
        shares = softmax(next(iter(outputs.values())))
        best, top = shares.argmax(axis=-1), shares.max(axis=-1)
        return [
            (best[row, taken(window)].tolist(), top[row, taken(window)].tolist()) for row, window in enumerate(windows)
        ]

    def postprocess(self, outputs: list[list[Read]], instances: list[InstanceT]) -> list[PredictionT]:
        """Return the tags of each sentence."""
        answers: list[Any] = [
            self._answer(cells(instance, self.fields)[0], reads)
            for instance, reads in zip(instances, outputs, strict=True)
        ]
        return answers

    def _answer(self, sentence: str, reads: list[Read]) -> dict[str, Any]:
        tokens: list[str] = []
        offsets: list[tuple[int, int]] = []
        labels: list[Label] = []
        shares: list[float] = []
        for window, (best, top) in reads:
            tokens += window.tokens[window.begin : window.end]
            offsets += window.offsets[window.begin : window.end]
            labels += [self.parsed[label] for label in best]
            shares += top
        result = [
            {"token": token, "predicted_tag": label.name, "top_prob": share}
            for token, label, share in zip(tokens, labels, shares, strict=True)
        ]
        return {"sentence": sentence, "result": result, "entities": entities_of(sentence, offsets, labels, shares)}
