"""PyTorch Lightning's checkpoints: choose the best of a folder, and take the model's own weights from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUFFIX = ".ckpt"
LOSS = re.compile(r"val_loss=(-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)")
WEIGHTS, PICKLED = "*.safetensors", "pytorch_model*.bin"
PREFIX = "model."
BIAS = "classifier.bias"
UNUSED = re.compile(r"(.*\.)?(position_ids|pooler\.dense\.(weight|bias))")
"""Keys that older transformers saved, and those of a layer that classifiers of tokens do not use."""


def has_weights(source: Path) -> bool:
    """Return whether a source is a folder with weights, and not with checkpoints.

    Raises PublishError if it has both, and if its weights are pickled.
    """
    if source.suffix == SUFFIX:
        return False
    weights, pickled, checkpoints = (sorted(source.glob(each)) for each in (WEIGHTS, PICKLED, f"*{SUFFIX}"))
    if checkpoints and (weights or pickled):
        raise PublishError(
            f"{source.name} has both the weights {(weights or pickled)[0].name} and the checkpoint "
            f"{checkpoints[0].name}: give the path of the checkpoint, or a folder without checkpoints"
        )
    if pickled and not weights:
        raise PublishError(
            f"{source.name} has the weights {pickled[0].name}, which are a pickle: save model.safetensors "
            "(save_pretrained)"
        )
    return bool(weights)


def best_checkpoint(folder: Path) -> Path:
    """Return the checkpoint with the least `val_loss` in its name, or the only one. Raises PublishError."""
    found = sorted(folder.glob(f"*{SUFFIX}"))
    if not found:
        raise PublishError(f"{folder.name} has no {SUFFIX} file: give the folder of the checkpoints, or one of them")
    losses = {path: loss for path in found if (loss := loss_of(path.name)) is not None}
    if losses:
        return min(losses, key=lambda path: losses[path])
    if len(found) > 1:
        raise PublishError(
            f"{folder.name} has {len(found)} checkpoints without val_loss in their names, as in epoch=3-val_loss=0.12"
            f"{SUFFIX}: give the path of one"
        )
    return found[0]


def loss_of(name: str) -> float | None:
    """Return the `val_loss` in a checkpoint's name; None if there is none."""
    found = LOSS.search(name)
    return float(found[1]) if found else None


def weights_of(checkpoint: Any, name: str) -> dict[str, Any]:
    """Return the weights of the module `model` in a Lightning module, by the names that transformers gives them.

    Raises PublishError if the checkpoint has none.
    """
    state = checkpoint.get("state_dict") if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict):
        raise PublishError(f"{name} has no state_dict: give a checkpoint that PyTorch Lightning saved")
    weights = {key.removeprefix(PREFIX): value for key, value in state.items() if key.startswith(PREFIX)}
    if not weights:
        raise PublishError(
            f"{name} has no weights whose names begin with {PREFIX}, such as {next(iter(state), 'none at all')}: "
            "keep the transformer in self.model of the Lightning module"
        )
    return weights


def count_of_labels(weights: Mapping[str, Any], name: str) -> int:
    """Return the number of labels: the length of the classifier's bias. Raises PublishError if there is none."""
    if BIAS not in weights:
        raise PublishError(f"{name} has no {PREFIX}{BIAS}, which has one number for each label: train a classifier")
    return int(weights[BIAS].shape[0])


def check_keys(weights: Mapping[str, Any], wanted: set[str], name: str) -> dict[str, Any]:
    """Return the weights that a model wants. Raises PublishError if one is missing, or unknown."""
    if missing := sorted(wanted - weights.keys()):
        raise PublishError(
            f"{name} lacks {len(missing)} weights of the model, such as {PREFIX}{missing[0]}: "
            "use the config.json that it was trained with"
        )
    if unknown := sorted(key for key in weights.keys() - wanted if not UNUSED.fullmatch(key)):
        raise PublishError(
            f"{name} has {len(unknown)} weights that the model does not have, such as {PREFIX}{unknown[0]}: "
            "use the config.json that it was trained with"
        )
    return {key: weights[key] for key in wanted}
