"""A placeholder for a model of texts: it looks words up. `modelet new --task` writes a train.py with one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from modelet.dev.publish.source.exported import GRAPH_FILE, RECORD, TOKENIZER, Exported
from modelet.digest import digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
OPSET = 18
SCORE = 4.0
SIZE = 8
"""The numbers in a vector of an embedding."""
COLUMNS = {"question-answering": ("start", "end"), "sentence-embedding": tuple(map(str, range(SIZE)))}


def word_model(
    folder: Path, task: str, words: Mapping[str, str], examples: Sequence[Any], labels: Sequence[str] = ()
) -> Exported:
    """Write a placeholder into a folder, as the exporter writes a model, and return it.

    words: each word's label; for question answering, whether it is the start or the end of an answer. Other words, and
    all words for embeddings, are known if they occur in the examples.
    """
    known = {word: None for example in examples for text in _texts(example) for word in text.split()}
    vocabulary = [*SPECIAL, *dict.fromkeys([*words, *known])]
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(vocabulary)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(list(SPECIAL))
    columns = COLUMNS.get(task, labels)
    table = np.zeros((len(vocabulary), len(columns)), np.float32)
    if task == "sentence-embedding":
        table[:] = np.random.default_rng(0).normal(size=table.shape)
    for word, label in words.items():
        table[vocabulary.index(word), columns.index(label)] = SCORE
    files = {GRAPH_FILE: _graph(task, table), TOKENIZER: tokenizer.to_str().encode()}
    record = {
        "task": task,
        "labels": list(labels),
        "max_seq_length": 64,
        "pad_token_id": 0,
        "class": "Words",
        "source": "placeholder",
        "libraries": {"transformers": "none"},
        "opset": OPSET,
        "graph_sha256": digest(files[GRAPH_FILE]),
        "tokenizer_sha256": digest(files[TOKENIZER]),
        "parity": {"compared_with": "nothing: it is a placeholder"},
    }
    folder.mkdir(exist_ok=True)
    for name, data in {**files, RECORD: json.dumps(record, indent=2).encode() + b"\n"}.items():
        (folder / name).write_bytes(data)
    return Exported(folder=folder, examples=examples)


def _texts(example: Any) -> list[str]:
    return [example] if isinstance(example, str) else [value for value in example.values() if isinstance(value, str)]


def _graph(task: str, table: NDArray[np.float32]) -> bytes:
    """Return a graph whose scores of a token are a row of the table, and those of a text their sum."""
    width = table.shape[1]
    shapes: dict[str, list[Any]] = {"logits": ["b", "t", width]}
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["rows"])]
    if task == "question-answering":
        shapes = {"start_logits": ["b", "t"], "end_logits": ["b", "t"]}
        nodes += [
            helper.make_node("Split", ["rows"], ["starts", "ends"], axis=2, num_outputs=2),
            helper.make_node("Squeeze", ["starts", "last"], ["start_logits"]),
            helper.make_node("Squeeze", ["ends", "last"], ["end_logits"]),
        ]
    elif task.endswith("classification") and task != "token-classification":
        shapes = {"logits": ["b", width]}
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["seen"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["seen", "last"], ["wide"]),
            helper.make_node("Mul", ["rows", "wide"], ["kept"]),
            helper.make_node("ReduceSum", ["kept", "first"], ["logits"], keepdims=0),
        ]
    else:
        nodes[0].output[0] = "logits"
    constants = {"table": table, "last": np.array([2]), "first": np.array([1])}
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "words",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "t"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data
