"""Quantise a graph's weights to int8; what that changes is measured where it is published."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from modelet.dev.publish.onnx.graph import GRAPH_FILE, line
from modelet.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Iterator

from contextlib import contextmanager


def quantized(graph: bytes) -> bytes:
    """Return the graph with int8 weights, which are multiplied with activations quantised at run time.

    Raises ConversionError if onnxruntime cannot quantise it.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder, _quiet():
        given, made = Path(folder) / GRAPH_FILE, Path(folder) / "int8.onnx"
        given.write_bytes(graph)
        try:
            quantize_dynamic(given, made, weight_type=QuantType.QInt8)
        except Exception as error:  # onnxruntime's errors have no common base class
            raise ConversionError(f"onnxruntime cannot quantise the graph: {line(error)}: remove quantize") from error
        return made.read_bytes()


@contextmanager
def _quiet() -> Iterator[None]:
    """Drop the advice that onnxruntime logs, which does not apply to texts."""
    root = logging.getLogger()
    before, root.level = root.level, logging.ERROR
    try:
        yield
    finally:
        root.setLevel(before)
