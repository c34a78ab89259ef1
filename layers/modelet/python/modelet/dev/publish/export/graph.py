"""Export a transformer of torch as an ONNX graph, and compare the two."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch

from modelet.errors import ParityError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.dev.publish.export.opened import Opened

OPSET = 18
OUTPUTS = {"question-answering": ("start_logits", "end_logits"), "sentence-embedding": ("last_hidden_state",)}
SIZES = ((1, 3), (1, 17), (2, 32), (3, 64), (5, 100), (8, 8), (16, 512))
"""Batches and lengths in which the two are compared, each at most as long as the model's windows."""
TRACED = (2, 9)
TOLERANCE = 1e-5
NEAR = 2e-5
"""Two probabilities that are nearer to each other may change places."""


class Wrapped(torch.nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
    """A model whose forward takes the inputs in order, and returns a tuple of its outputs."""

    def __init__(self, model: Any, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        super().__init__()
        self.model, self.inputs, self.outputs = model, inputs, outputs

    def forward(self, *given: Any) -> Any:
        """Return the outputs by the names of transformers."""
        found = self.model(**dict(zip(self.inputs, given, strict=True)))
        return tuple(getattr(found, name) for name in self.outputs)


def export(opened: Opened) -> tuple[bytes, Wrapped]:
    """Return the graph, without what torch notes of this machine, and the model that it was made from."""
    inputs = _inputs(opened.model)
    outputs = OUTPUTS.get(opened.task, ("logits",))
    wrapped = Wrapped(opened.model, inputs, outputs).eval()
    batch, tokens = torch.export.Dim("batch"), torch.export.Dim("tokens")
    given = tuple(torch.from_numpy(value) for value in _batch(opened, *TRACED, np.random.default_rng(0)).values())
    with torch.no_grad():
        made = torch.onnx.export(
            wrapped,
            given,
            dynamo=True,
            external_data=False,
            opset_version=OPSET,
            dynamic_shapes=(tuple({0: batch, 1: tokens} for _ in inputs),),
            input_names=list(inputs),
            output_names=list(outputs),
            verbose=False,
        )
    return plain(made.model_proto), wrapped


def compare(opened: Opened, wrapped: Wrapped, run: Any) -> dict[str, Any]:
    """Return the figures of a comparison of torch with the graph, on inputs that were not traced.

    run: returns the graph's outputs for its inputs. Raises ParityError if a label or a probability differs.
    """
    greatest, tokens, batches = 0.0, 0, []
    for feeds in _batches(opened):
        with torch.no_grad():
            expected = wrapped(*(torch.from_numpy(value) for value in feeds.values()))
        seen = feeds["attention_mask"].astype(bool)
        for name, given, ours in zip(wrapped.outputs, expected, run(feeds), strict=True):
            wanted, found = _comparable(given.numpy(), seen, opened.task), _comparable(ours, seen, opened.task)
            difference = float(np.abs(wanted - found).max())
            greatest = max(greatest, difference)
            if not difference <= TOLERANCE or _labels_differ(wanted, found):
                rows, length = seen.shape
                raise ParityError(
                    f"the graph differs from torch by {difference:.2g} in {name}, for {rows} texts of {length} tokens: "
                    "write its forward without conditions and loops over the data, and export it again"
                )
        batches.append(list(seen.shape))
        tokens += int(seen.sum())
    return {
        "compared_with": f"torch {torch.__version__}",
        "tokens": tokens,
        "batches": batches,
        "greatest_difference": greatest,
        "tolerance": TOLERANCE,
        "labels": "equal",
    }


def _inputs(model: Any) -> tuple[str, ...]:
    """Return the inputs that the model has; one kind of segments needs no input."""
    parameters = inspect.signature(model.forward).parameters
    segments = "token_type_ids" in parameters and getattr(model.config, "type_vocab_size", 0) > 1
    return ("input_ids", "attention_mask", *(("token_type_ids",) if segments else ()))


def _batches(opened: Opened) -> Iterator[dict[str, Any]]:
    random = np.random.default_rng(1)
    for rows, length in SIZES:
        yield _batch(opened, rows, min(length, opened.max_seq_length), random)


def _batch(opened: Opened, rows: int, length: int, random: np.random.Generator) -> dict[str, Any]:
    """Return random inputs: any tokens, rows of different lengths, and two segments."""
    ids = random.integers(0, opened.model.config.vocab_size, (rows, length))
    lengths = random.integers(2, length + 1, rows)
    lengths[0] = length
    seen = np.arange(length)[None] < lengths[:, None]
    values = {"input_ids": np.where(seen, ids, opened.pad_token_id), "attention_mask": seen, "token_type_ids": seen}
    values["token_type_ids"] = seen & (np.arange(length)[None] >= lengths[:, None] // 2)
    return {name: values[name].astype(np.int64) for name in _inputs(opened.model)}


def _comparable(values: Any, seen: Any, task: str) -> Any:
    """Return outputs as what is served of them: probabilities of the real tokens, or vectors of length 1."""
    values = np.asarray(values, np.float64)
    if task == "question-answering":
        return _softmax(np.where(seen, values, -1e9))
    if task == "sentence-embedding":
        summed = (values * seen[:, :, None]).sum(axis=1)
        return summed / np.linalg.norm(summed, axis=-1, keepdims=True)
    shares = _softmax(values)
    return shares[seen] if task == "token-classification" else shares


def _softmax(values: Any) -> Any:
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def _labels_differ(wanted: Any, found: Any) -> bool:
    top = np.sort(wanted, axis=-1)
    clear = top[..., -1] - top[..., -2] > NEAR
    return bool((wanted.argmax(axis=-1) != found.argmax(axis=-1))[clear].any())


def plain(model: Any) -> bytes:
    """Return a graph without the notes of the exporter, which name files of this machine."""
    del model.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    parts = [model.graph, *model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer]
    for function in model.functions:
        parts += [function, *function.node]
    for part in [*parts, *model.graph.node]:
        part.doc_string = ""
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data
