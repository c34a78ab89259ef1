"""What all models of texts share: open the graph and its tokenizer, and run windows of similar length together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

import numpy as np

from modelet.backends.onnx import DTYPES, OnnxModel
from modelet.backends.table import cells
from modelet.backends.texts.tokenizer import Tokenizer, Window
from modelet.errors import ArtifactError, ContractError
from modelet.model import InstanceT, Model, PredictionT
from modelet.typing import Ge, Le, MaxLen
from modelet.violation import Violation

if TYPE_CHECKING:
    from modelet.backends.outputs import Array, Outputs
    from modelet.store.artifacts import Artifacts

LONGEST = 100_000
"""The most characters (code points) of one text in the contracts of this package."""

Text = Annotated[str, MaxLen(LONGEST)]
Share = Annotated[float, Ge(0), Le(1)]

TOKENIZER = "tokenizer.json"
AT_ONCE = 16
"""The most windows in one run: more save no time, and the deadline is checked between runs."""
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class Read(NamedTuple):
    """A window, and what a model keeps of its outputs."""

    window: Window
    value: Any


class TextModel(Model[InstanceT, PredictionT]):
    """A version with the files model.onnx and tokenizer.json; its manifest has `max_seq_length` and `labels`.

    task: the task of the versions that a class serves. fields: the names of an instance's texts. classifies: whether
    the graph's first output has a place for each label. A text of more tokens than `max_seq_length` is run in several
    windows that overlap. A subclass says what it keeps of a window's outputs (`read`), and what the windows of a text
    mean together (`postprocess`).
    """

    task: ClassVar[str] = ""
    fields: ClassVar[tuple[str, ...]] = ("text",)
    classifies: ClassVar[bool] = False

    def load(self, artifacts: Artifacts) -> None:
        """Open the graph and the tokenizer. Raises ArtifactError if one of them cannot be used.

        Raises it too if the version is one of another task, and if a classifier's labels are missing or are not as many
        as the graph's outputs.
        """
        self.manifest = artifacts.manifest
        info = self.manifest.model_info
        if self.task and info.get("task") != self.task:
            raise ArtifactError(
                f"{type(self).__name__} serves {self.task}, but the version's task is {info.get('task', 'not named')}: "
                "use the class of that task (docs/texts.md), or publish a model of this one"
            )
        self.graph = OnnxModel[Any, Any]()
        self.graph.load(artifacts)
        if unknown := [name for name in self.graph.inputs if name not in INPUTS]:
            raise ArtifactError(
                f"the graph has the input {unknown[0]}: a model of texts gives {', '.join(INPUTS)}; export it again"
            )
        length = info.get("max_seq_length")
        if type(length) is not int:
            raise ArtifactError("the manifest has no max_seq_length in model_info: publish the model again")
        self.tokenizer = Tokenizer(artifacts.read(TOKENIZER), length)
        self.labels: list[str] = info.get("labels", [])
        if self.classifies:
            self._check_labels()
        # int8 graphs take the scale of their activations from the whole batch, so that texts would change each other.
        self._at_once = 1 if (self.manifest.compiled or {}).get("quantized") else AT_ONCE
        self._padding = int(info.get("pad_token_id", 0))
        self._dtypes = {name: DTYPES[node.type] for name, node in self.graph.inputs.items()}

    def preprocess(self, instances: list[InstanceT]) -> list[list[Window]]:
        """Return each instance's windows. Raises ContractError if the first of two texts has too many tokens."""
        if len(self.fields) == 1:
            return [self.tokenizer.windows(cells(instance, self.fields)[0]) for instance in instances]
        found, wrong = [], []
        for row, instance in enumerate(instances):
            windows = self.tokenizer.pair_windows(*cells(instance, self.fields))
            if windows is None:
                said = "The text has too many tokens, so that no part of the other fits beside it: shorten it"
                wrong.append(Violation(row, self.fields[0], said, "too_long"))
            else:
                found.append(windows)
        if wrong:
            raise ContractError(wrong)
        return found

    def infer(self, inputs: list[list[Window]]) -> list[list[Read]]:
        """Return each instance's windows, with what `read` keeps of each."""
        waiting = [window for windows in inputs for window in windows if self.has_content(window)]
        order = sorted(range(len(waiting)), key=lambda place: len(waiting[place].ids))
        kept: list[Any] = [None] * len(waiting)
        for start in range(0, len(order), self._at_once):
            places = order[start : start + self._at_once]
            windows = [waiting[place] for place in places]
            found = self.graph.session.run(self.graph.outputs, self._feeds(windows))
            outputs = dict(zip(self.graph.outputs, found, strict=True))
            for place, value in zip(places, self.read(outputs, windows), strict=True):
                kept[place] = value
        each = iter(kept)
        return [[Read(window, next(each)) for window in windows if self.has_content(window)] for windows in inputs]

    def has_content(self, window: Window) -> bool:
        """Return whether the graph is run for a window: not for a text without tokens."""
        return bool(window.tokens)

    def read(self, outputs: Outputs, windows: list[Window]) -> list[Any]:
        """Return what is kept of each window's outputs, whose shape begins with (windows, tokens of the longest)."""
        raise NotImplementedError(f"{type(self).__name__} has no read: override it")

    def _check_labels(self) -> None:
        if not self.labels:
            raise ArtifactError("the manifest has no labels in model_info: publish the model again")
        width = self.graph.session.get_outputs()[0].shape[-1]
        if width != len(self.labels):
            raise ArtifactError(
                f"the graph gives {width} scores, but there are {len(self.labels)} labels: publish it again"
            )

    def _feeds(self, windows: list[Window]) -> dict[str, Array]:
        """Return the graph's inputs, padded to the longest of these windows."""
        shape = len(windows), max(len(window.ids) for window in windows)
        made: dict[str, Array] = {}
        for name, dtype in self._dtypes.items():
            made[name] = np.full(shape, self._padding, dtype) if name == "input_ids" else np.zeros(shape, dtype)
            for row, window in enumerate(windows):
                value: Any = 1 if name == "attention_mask" else window.ids if name == "input_ids" else window.type_ids
                made[name][row, : len(window.ids)] = value
        return made


def softmax(scores: Array) -> Array:
    """Return scores as probabilities over the last axis, in single precision."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Array = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def taken(window: Window) -> slice:
    """Return the places in a window's outputs of the tokens that are taken from it."""
    return slice(window.first + window.begin, window.first + window.end)
