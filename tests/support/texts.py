"""Tiny models of texts: a tokenizer of some words and single characters, and graphs that look tokens up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from modelet.bundle import Lock
from modelet.digest import digest
from modelet.store.artifacts import Artifacts
from modelet.store.keys import manifest_path
from modelet.store.store import Store
from support.versions import write_version

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
WORDS = ("김민수", "서울", "갑니다", "부산", "은행", "오늘", "good", "bad", "where", "내일")
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789가나다라마바사은는이가에서을를김민수서울?!."
LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def tiny_tokenizer() -> Tokenizer:
    pieces = [*WORDS, *CHARACTERS]
    vocabulary = {piece: place for place, piece in enumerate([*SPECIAL, *pieces, *(f"##{piece}" for piece in pieces)])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def tokenizer_bytes() -> bytes:
    return tiny_tokenizer().to_str().encode()


def scores(labels: Sequence[str], best: Mapping[str, str], *, default: int = 0) -> NDArray[np.float32]:
    """A table of logits, shape (vocabulary, labels): each token's best label is given, or the default."""
    tokenizer = tiny_tokenizer()
    table = np.zeros((tokenizer.get_vocab_size(), len(labels)), np.float32)
    table[:, default] = 2
    for token, label in best.items():
        place = tokenizer.token_to_id(token)
        assert place is not None, token
        table[place] = 0
        table[place, labels.index(label)] = 4
    return table


def token_graph(table: NDArray[np.float32], inputs: Sequence[str] = ("input_ids", "attention_mask")) -> bytes:
    """A graph whose logits of a token depend on nothing else, shape (texts, tokens, labels); padding has NaN."""
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["rows"])]
    if "attention_mask" in inputs:
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["seen"], to=TensorProto.BOOL),
            helper.make_node("Unsqueeze", ["seen", "last"], ["wide"]),
            helper.make_node("Where", ["wide", "rows", "nan"], ["logits"]),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["rows"], ["logits"]))
    return built(nodes, inputs, {"logits": ["b", "t", table.shape[1]]}, table)


def text_graph(table: NDArray[np.float32], output: str = "logits") -> bytes:
    """A graph whose logits are the sum over a text's tokens, shape (texts, labels)."""
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["attention_mask"], ["seen"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["seen", "last"], ["wide"]),
        helper.make_node("Mul", ["rows", "wide"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "first"], [output], keepdims=0),
    ]
    return built(nodes, ("input_ids", "attention_mask"), {output: ["b", table.shape[1]]}, table)


def span_graph(table: NDArray[np.float32]) -> bytes:
    """A graph with the logits of starts (the table's first column) and ends (its second), shape (texts, tokens)."""
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Split", ["rows"], ["starts", "ends"], axis=2, num_outputs=2),
        helper.make_node("Squeeze", ["starts", "last"], ["start_logits"]),
        helper.make_node("Squeeze", ["ends", "last"], ["end_logits"]),
    ]
    outputs = {"start_logits": ["b", "t"], "end_logits": ["b", "t"]}
    return built(nodes, ("input_ids", "attention_mask", "token_type_ids"), outputs, table)


def built(
    nodes: list[Any], inputs: Sequence[str], outputs: Mapping[str, list[Any]], table: NDArray[np.float32]
) -> bytes:
    constants = {"table": table, "last": np.array([2]), "first": np.array([1]), "nan": np.array(np.nan, np.float32)}
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "t"]) for name in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def text_artifacts(
    folder: Path,
    graph: bytes,
    labels: Sequence[str] = LABELS,
    *,
    task: str = "token-classification",
    length: int = 32,
    **info: Any,
) -> Artifacts:
    """The artifacts of a version of a text model; info: further entries of model_info."""
    store = Store((folder / "store").as_uri())
    contents = {"model.onnx": graph, "tokenizer.json": tokenizer_bytes()}
    known = {"task": task, "labels": list(labels), "max_seq_length": length, "pad_token_id": 0}
    lock: Lock = write_version(store, contents, model_info=known | info, features=("text",))
    return Artifacts.open(store, store.read(manifest_path("tiny", "1")), "tiny", lock, folder / "tmp")


def write_export(
    folder: Path, graph: bytes, task: str = "token-classification", labels: Sequence[str] = LABELS, **said: Any
) -> Path:
    """A folder as the exporter writes it; said: replaces parts of export.json."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {"model.onnx": graph, "tokenizer.json": tokenizer_bytes()}
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    record = {
        "task": task,
        "labels": list(labels),
        "max_seq_length": 32,
        "pad_token_id": 0,
        "class": "TinyForTexts",
        "source": "folder",
        "libraries": {"torch": "2.13.0", "transformers": "5.24.0"},
        "opset": 18,
        "graph_sha256": digest(graph),
        "tokenizer_sha256": digest(contents["tokenizer.json"]),
        "parity": {"compared_with": "torch 2.13.0", "greatest_difference": 1e-7},
    }
    (folder / "export.json").write_text(json.dumps(record | said))
    return folder
