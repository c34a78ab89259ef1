"""The tokenizer of a folder: what a vocab.txt alone does not say is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from modelet.dev.publish.export.vocabulary import tokenizer_of
from modelet.errors import PublishError

PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cafe", "café", "Café", "漢", "##字", "漢字", "<s>", "</s>")


def folder_of(root: Path, *, pieces: tuple[str, ...] = PIECES, **settings: Any) -> Path:
    (root / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    (root / "tokenizer_config.json").write_text(json.dumps(settings))
    return root


def tokens(folder: Path, text: str) -> list[str]:
    found: list[str] = Tokenizer.from_buffer(tokenizer_of(folder, "bert")).encode(text).tokens
    return found


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["cafe", "漢", "[UNK]"]),
        ({"strip_accents": False}, ["café", "漢", "[UNK]"]),
        ({"do_lower_case": False}, ["Café", "漢", "[UNK]"]),
        ({"do_lower_case": False, "tokenize_chinese_chars": False}, ["Café", "漢字"]),
    ],
)
def test_the_settings_of_the_folder_are_kept(tmp_path: Path, settings: dict[str, Any], expected: list[str]) -> None:
    assert tokens(folder_of(tmp_path, **settings), "Café 漢字") == ["[CLS]", *expected, "[SEP]"]


@pytest.mark.parametrize("token", ["<s>", {"content": "<s>", "lstrip": False}])
@pytest.mark.parametrize("file", ["tokenizer_config.json", "special_tokens_map.json"])
def test_the_special_tokens_of_the_folder_are_kept(tmp_path: Path, token: Any, file: str) -> None:
    folder = folder_of(tmp_path)
    (folder / file).write_text(json.dumps({"cls_token": token, "sep_token": "</s>"}))
    assert tokens(folder, "cafe") == ["<s>", "cafe", "</s>"]


@pytest.mark.parametrize("name", ["BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "ElectraTokenizerFast"])
def test_tokenizers_that_are_bert_s_are_made_for_any_type_of_model(tmp_path: Path, name: str) -> None:
    assert tokenizer_of(folder_of(tmp_path, tokenizer_class=name), "own")


@pytest.mark.parametrize(
    ("settings", "model_type", "said"),
    [
        ({"tokenizer_class": "KoBertTokenizer"}, "bert", "has the tokenizer_class KoBertTokenizer, which cannot be"),
        ({"tokenizer_class": "BertJapaneseTokenizer"}, "bert", "has the tokenizer_class BertJapaneseTokenizer"),
        ({}, "roberta", "there is a vocab.txt, but a model of type roberta may tokenise otherwise"),
        ({"do_basic_tokenize": False}, "bert", "has do_basic_tokenize"),
        ({"never_split": ["a"]}, "bert", "has never_split"),
        ({"cls_token": "<cls>"}, "bert", "vocab.txt has no token <cls>"),
        ({"added_tokens_decoder": {"99": {"content": "<new>"}}}, "bert", "has the added token <new>"),
        ({"pieces": (*PIECES, "▁서울")}, "bert", "vocab.txt has pieces of SentencePiece"),
    ],
)
def test_what_vocab_txt_does_not_tell_is_refused(
    tmp_path: Path, settings: dict[str, Any], model_type: str, said: str
) -> None:
    with pytest.raises(PublishError, match=rf"{said}.*: save tokenizer\.json"):
        tokenizer_of(folder_of(tmp_path, **settings), model_type)


def test_tokens_that_were_added_are_refused(tmp_path: Path) -> None:
    (folder_of(tmp_path) / "added_tokens.json").write_text('{"<new>": 13}')
    with pytest.raises(PublishError, match=r"has the added token <new>, .*: save tokenizer\.json"):
        tokenizer_of(tmp_path, "bert")


def test_a_tokenizer_json_is_taken_as_it_is(tmp_path: Path) -> None:
    (folder_of(tmp_path, tokenizer_class="KoBertTokenizer") / "tokenizer.json").write_bytes(b"{}")
    assert tokenizer_of(tmp_path, "roberta") == b"{}"


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match=r"has neither tokenizer\.json nor vocab\.txt: save the tokenizer there"):
        tokenizer_of(tmp_path, "bert")
