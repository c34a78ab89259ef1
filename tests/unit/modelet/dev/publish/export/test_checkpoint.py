"""Checkpoints of PyTorch Lightning, as far as they are plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelet.dev.publish.export.checkpoint import (
    best_checkpoint,
    check_keys,
    count_of_labels,
    has_weights,
    loss_of,
    weights_of,
)
from modelet.errors import PublishError


def folder_of(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).touch()
    return root


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("epoch=0-val_loss=3.29.ckpt", 3.29),
        ("epoch=1-step=20-val_loss=0.07-v1.ckpt", 0.07),
        ("val_loss=1e-05.ckpt", 1e-5),
        ("val_loss=2.ckpt", 2),
        ("epoch=4-val_loss=-1.50.ckpt", -1.5),
        ("last.ckpt", None),
        ("val_loss=nan.ckpt", None),
    ],
)
def test_the_loss_is_in_the_name(name: str, loss: float | None) -> None:
    assert loss_of(name) == loss


def test_the_best_checkpoint_has_the_least_loss_as_a_number(tmp_path: Path) -> None:
    names = ("epoch=0-val_loss=10.00.ckpt", "epoch=1-val_loss=9.50.ckpt", "last.ckpt", "epoch=2-val_loss=9.7.ckpt")
    assert best_checkpoint(folder_of(tmp_path, *names)).name == "epoch=1-val_loss=9.50.ckpt"


def test_a_loss_below_zero_is_less_than_one_above(tmp_path: Path) -> None:
    names = ("epoch=0-val_loss=0.10.ckpt", "epoch=1-val_loss=-0.20.ckpt", "epoch=2-val_loss=-1.10.ckpt")
    assert best_checkpoint(folder_of(tmp_path, *names)).name == "epoch=2-val_loss=-1.10.ckpt"


def test_a_folder_has_weights_or_checkpoints(tmp_path: Path) -> None:
    for name, expected in (("model.safetensors", True), ("a.ckpt", False)):
        (tmp_path / name).mkdir()
        assert has_weights(folder_of(tmp_path / name, name)) is expected
    both = tmp_path / "both"
    both.mkdir()
    folder_of(both, "a.ckpt", "model.safetensors")
    with pytest.raises(
        PublishError, match=r"^both has both the weights model\.safetensors and the checkpoint a\.ckpt: g"
    ):
        has_weights(both)
    assert has_weights(both / "a.ckpt") is False


def test_pickled_weights_are_refused_by_their_name(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "pytorch_model.bin")
    with pytest.raises(PublishError, match=r"has the weights pytorch_model\.bin, which are a pickle: save model\.safe"):
        has_weights(folder)
    assert has_weights(folder_of(folder, "model.safetensors"))


def test_a_single_checkpoint_needs_no_loss_but_several_do(tmp_path: Path) -> None:
    assert best_checkpoint(folder_of(tmp_path, "last.ckpt")).name == "last.ckpt"
    with pytest.raises(PublishError, match="has 2 checkpoints without val_loss in their names"):
        best_checkpoint(folder_of(tmp_path, "first.ckpt"))


def test_a_folder_without_checkpoints_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match=r"has no \.ckpt file"):
        best_checkpoint(tmp_path)


def test_only_the_first_prefix_is_removed() -> None:
    state = {"model.bert.model.weight": 1, "model.classifier.bias": 2, "loss.weight": 3}
    assert weights_of({"state_dict": state}, "c") == {"bert.model.weight": 1, "classifier.bias": 2}


@pytest.mark.parametrize(
    ("checkpoint", "said"),
    [
        ({}, "c has no state_dict"),
        ([], "c has no state_dict"),
        (
            {"state_dict": {"bert.w": 1}},
            r"whose names begin with model\., such as bert\.w: keep the transformer in self",
        ),
    ],
)
def test_what_is_no_checkpoint_of_a_transformer_is_refused(checkpoint: Any, said: str) -> None:
    with pytest.raises(PublishError, match=said):
        weights_of(checkpoint, "c")


def test_the_number_of_labels_is_the_length_of_the_bias() -> None:
    assert count_of_labels({"classifier.bias": np.zeros(21)}, "c") == 21
    with pytest.raises(PublishError, match=r"c has no model\.classifier\.bias"):
        count_of_labels({}, "c")


def test_missing_and_unknown_weights_are_named() -> None:
    with pytest.raises(PublishError, match=r"c lacks 2 weights of the model, such as model\.a: use the config\.json"):
        check_keys({"c": 1}, {"a", "b", "c"}, "c")
    with pytest.raises(PublishError, match=r"c has 1 weights that the model does not have, such as model\.d"):
        check_keys({"c": 1, "d": 2}, {"c"}, "c")
    unused = {"bert.embeddings.position_ids": 1, "bert.pooler.dense.bias": 2, "c": 3}
    assert check_keys(unused, {"c"}, "c") == {"c": 3}
