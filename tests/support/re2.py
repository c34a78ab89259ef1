"""RE2 as a graph's tokenizer runs it: there is no other in the development environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

if TYPE_CHECKING:
    from collections.abc import Sequence

PADDING = "\x00\x00padding"


class Tokenizer:
    """Splits texts by a pattern in RE2's syntax."""

    def __init__(self, pattern: str) -> None:
        node = helper.make_node(
            "Tokenizer",
            ["texts"],
            ["tokens"],
            domain="com.microsoft",
            mark=0,
            mincharnum=1,
            pad_value=PADDING,
            tokenexp=pattern,
        )
        ends = [helper.make_tensor_value_info(name, TensorProto.STRING, None) for name in ("texts", "tokens")]
        model = helper.make_model(
            helper.make_graph([node], "tokenizer", ends[:1], ends[1:]),
            opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)],
            ir_version=8,
        )
        self._session = onnxruntime.InferenceSession(model.SerializeToString())

    def split(self, texts: Sequence[str]) -> list[list[str]]:
        """The tokens of each text."""
        [found] = self._session.run(None, {"texts": np.array(texts, dtype=object)})
        return [[token for token in row if token != PADDING] for row in found.tolist()]
