"""Open a trained transformer: a Hugging Face folder, or a folder with a checkpoint of PyTorch Lightning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import transformers

from modelet.dev.publish.export.checkpoint import (
    SUFFIX,
    best_checkpoint,
    check_keys,
    count_of_labels,
    has_weights,
    loss_of,
    weights_of,
)
from modelet.dev.publish.export.labels import choose_labels
from modelet.dev.publish.export.sentences import check_sentences, sentence_length
from modelet.dev.publish.export.settings import read_object
from modelet.dev.publish.export.tasks import task_of
from modelet.dev.publish.export.vocabulary import SETTINGS, tokenizer_of
from modelet.errors import PublishError

if TYPE_CHECKING:
    from pathlib import Path

AUTO = {
    "token-classification": transformers.AutoModelForTokenClassification,
    "text-classification": transformers.AutoModelForSequenceClassification,
    "pair-classification": transformers.AutoModelForSequenceClassification,
    "question-answering": transformers.AutoModelForQuestionAnswering,
    "sentence-embedding": transformers.AutoModel,
}
"""The tasks, and the class of transformers that opens a model for each."""
LONGEST = 512
OFFSET_POSITIONS = ("roberta", "xlm-roberta", "camembert")
"""Models whose positions begin after the padding's id."""


class Opened(NamedTuple):
    """A trained model, ready to be exported.

    tokenizer: tokenizer.json. described: what the manifest says of it.
    """

    model: Any
    task: str
    labels: list[str]
    tokenizer: bytes
    max_seq_length: int
    pad_token_id: int
    described: dict[str, Any]


def open_model(source: Path, task: str | None, labels: Path | None, max_length: int | None) -> Opened:
    """Open a model. Raises PublishError: one line with the file that is wrong or missing, and the remedy."""
    folder = source.parent if source.suffix == SUFFIX else source
    if not (folder / "config.json").is_file():
        raise PublishError(f"{folder.name} has no config.json: save the model's configuration there (save_pretrained)")
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    weighted = has_weights(source)
    task = task or task_of(config.architectures, has_weights=weighted)
    if task not in AUTO:
        raise PublishError(f"the task is {task}: use one of {', '.join(AUTO)}")
    if task == "sentence-embedding":
        check_sentences(folder)
    model, described = _from_folder(folder, task) if weighted else _from_checkpoint(source, config, task)
    classifies = task.endswith("classification")
    named = (
        choose_labels(model.config.id2label or {}, int(model.config.num_labels), folder, labels) if classifies else []
    )
    if classifies and config.problem_type not in {None, "single_label_classification"}:
        raise PublishError(
            f"config.json has problem_type {config.problem_type}: only one label for each text is served"
        )
    return Opened(
        model.eval(),
        task,
        named,
        tokenizer_of(folder, config.model_type),
        _length(config, folder, task, max_length),
        int(config.pad_token_id or 0),
        {"class": type(model).__name__, **described},
    )


def _from_folder(folder: Path, task: str) -> tuple[Any, dict[str, Any]]:
    model, loading = AUTO[task].from_pretrained(
        folder, local_files_only=True, output_loading_info=True, attn_implementation="eager", dtype=torch.float32
    )
    unset = [*loading["missing_keys"], *loading.get("mismatched_keys", ())]
    unset = [str(key) for key in unset if task != "sentence-embedding" or not str(key).startswith("pooler")]
    if unset:
        raise PublishError(
            f"{folder.name} lacks {len(unset)} weights for {task}, such as {sorted(unset)[0]}: "
            "fine-tune the model for this task and save it again"
        )
    return model, {"source": "folder"}


def _from_checkpoint(source: Path, config: Any, task: str) -> tuple[Any, dict[str, Any]]:
    path = source if source.suffix == SUFFIX else best_checkpoint(source)
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's and pickle's errors have no common root
        raise PublishError(
            f"{path.name} cannot be read without running code in it ({str(error)[:150]!r}): save the checkpoint with "
            "save_weights_only=True, or the model with save_pretrained"
        ) from error
    weights = weights_of(loaded, path.name)
    if task.endswith("classification"):
        config.num_labels = count_of_labels(weights, path.name)
    config._attn_implementation = "eager"
    model = AUTO[task].from_config(config)
    model.load_state_dict(check_keys(weights, set(model.state_dict()), path.name))
    return model, {"source": "checkpoint", "checkpoint": path.name, "val_loss": loss_of(path.name)}


def _length(config: Any, folder: Path, task: str, given: int | None) -> int:
    """Return the most tokens of a window: the given one, or what the folder's files say, if there are positions."""
    positions = int(getattr(config, "max_position_embeddings", None) or LONGEST)
    if config.model_type in OFFSET_POSITIONS:
        positions -= int(config.pad_token_id) + 1
    if given is not None:
        if given > positions:
            raise PublishError(f"--max-length is {given}: give at most {positions}, the model's positions")
        return given
    said = [
        read_object(folder / SETTINGS).get("model_max_length"),
        sentence_length(folder) if task == "sentence-embedding" else None,
    ]
    return min(positions, LONGEST, *(each for each in said if type(each) is int))
