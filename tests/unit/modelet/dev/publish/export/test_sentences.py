"""Folders of sentence-transformers: a function takes the mean of all tokens, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelet.dev.publish.export.sentences import check_sentences, sentence_length
from modelet.errors import PublishError

MEAN = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True, "word_embedding_dimension": 8}


def folder_of(
    root: Path, *kinds: str, pooling: dict[str, Any] = MEAN, transformer: str = "", **files: dict[str, Any]
) -> Path:
    """A folder as sentence-transformers saves it. transformer: the folder of its first module."""
    modules = [
        {
            "idx": place,
            "path": f"{place}_{kind}" if place else transformer,
            "type": f"sentence_transformers.models.{kind}",
        }
        for place, kind in enumerate(kinds)
    ]
    (root / "modules.json").write_text(json.dumps(modules))
    (root / "1_Pooling").mkdir()
    (root / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (root / transformer).mkdir(exist_ok=True)
    for name, value in files.items():
        (root / transformer / f"{name}.json").write_text(json.dumps(value))
    return root / transformer


@pytest.mark.parametrize("kinds", [("Transformer", "Pooling"), ("Transformer", "Pooling", "Normalize")])
@pytest.mark.parametrize("pooling", [MEAN, {"pooling_mode": "mean"}, {"pooling_mode": ["mean"]}, {}])
def test_the_mean_of_the_tokens_is_served(tmp_path: Path, kinds: tuple[str, ...], pooling: dict[str, Any]) -> None:
    check_sentences(folder_of(tmp_path, *kinds, pooling=pooling))


def test_a_folder_that_says_nothing_of_sentences_is_served(tmp_path: Path) -> None:
    check_sentences(tmp_path)
    assert sentence_length(tmp_path) is None


@pytest.mark.parametrize(
    ("pooling", "said"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls_token"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "cls_token and mean_tokens"),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, "mean_sqrt_len_tokens"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": False}, "none"),
        ({"pooling_mode": "lasttoken"}, "lasttoken"),
        ({"pooling_mode": ["max", "mean"]}, "max and mean"),
    ],
)
@pytest.mark.parametrize("transformer", ["", "0_Transformer"])
def test_another_pooling_is_refused_by_its_name(
    tmp_path: Path, pooling: dict[str, Any], said: str, transformer: str
) -> None:
    folder = folder_of(tmp_path, "Transformer", "Pooling", pooling=pooling, transformer=transformer)
    with pytest.raises(PublishError, match=rf"^1_Pooling/config\.json has the pooling {said}, .*: train a model with"):
        check_sentences(folder)


def test_a_pooling_without_a_list_of_modules_is_read_too(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Transformer", "Pooling", pooling={"pooling_mode": "cls"})
    (folder / "modules.json").unlink()
    with pytest.raises(PublishError, match="has the pooling cls"):
        check_sentences(folder)


@pytest.mark.parametrize("kind", ["Dense", "LayerNorm", "WordWeights"])
def test_a_module_that_changes_the_vectors_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(PublishError, match=rf"^modules\.json has a module {kind}, which is not served: train a model"):
        check_sentences(folder_of(tmp_path, "Transformer", "Pooling", kind))


def test_modules_without_a_pooling_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="has no module Pooling: train a model with the pooling mean"):
        check_sentences(folder_of(tmp_path, "Transformer", "Normalize"))


def test_texts_that_are_changed_before_the_tokenizer_are_refused(tmp_path: Path) -> None:
    kinds = ("Transformer", "Pooling")
    folder = folder_of(tmp_path, *kinds, sentence_bert_config={"do_lower_case": True, "max_seq_length": 128})
    assert sentence_length(folder) == 128
    with pytest.raises(
        PublishError, match=r"^sentence_bert_config\.json has do_lower_case, .*: save a tokenizer\.json"
    ):
        check_sentences(folder)
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": null}')
    assert sentence_length(folder) is None
    for prompts, refused in (({"query": "find: "}, True), ({"query": ""}, False), ({}, False)):
        told = {"default_prompt_name": "query", "prompts": prompts}
        (folder / "config_sentence_transformers.json").write_text(json.dumps(told))
        if not refused:
            check_sentences(folder)
            continue
        with pytest.raises(PublishError, match="has the default prompt query, which is not added to texts: set"):
            check_sentences(folder)
