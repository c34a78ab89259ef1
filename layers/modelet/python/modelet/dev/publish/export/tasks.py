"""The task that a model was trained for, by the architecture in its config.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDINGS = {
    "ForTokenClassification": "token-classification",
    "ForSequenceClassification": "text-classification",
    "ForQuestionAnswering": "question-answering",
}
BARE = "Model"
HEADS = ("For", "Head", "Decoder")
"""Parts of the names of architectures that do more than to turn tokens into vectors."""


def task_of(architectures: Sequence[str] | None, *, has_weights: bool) -> str:
    """Return the task of an architecture; that of a checkpoint without a known one is token-classification.

    Raises PublishError if the architecture of weights is for no task.
    """
    name = next(iter(architectures or ()), "")
    found = next((task for ending, task in ENDINGS.items() if name.endswith(ending)), "")
    if found or not has_weights:
        return found or "token-classification"
    if name.endswith(BARE) and not any(each in name for each in HEADS):
        return "sentence-embedding"
    raise PublishError(
        f"config.json has the architecture {name or 'of no name'}, which is for no task that is served: fine-tune the "
        f"model as one that ends in {', '.join(ENDINGS)} or only in {BARE}, or export it with --task (docs/texts.md)"
    )
