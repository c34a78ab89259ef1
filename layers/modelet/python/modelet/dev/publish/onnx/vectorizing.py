"""Converters for text vectorizers, instead of skl2onnx's converters.

skl2onnx's converters have another default pattern, pad short texts with "#" even if n-grams contain it, ignore stop
words between n-grams, compute sublinear counts differently, and reject vocabularies without rare words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer

from modelet.dev.publish.onnx.characters import characters
from modelet.dev.publish.onnx.nodes import ONNXRUNTIME, Nodes
from modelet.dev.publish.onnx.scaling import is_of_texts, normalized, normalized_texts
from modelet.dev.publish.onnx.tokens import splitting

if TYPE_CHECKING:
    from collections.abc import Callable

SPACES = characters(re.compile(r"\s+")).written()
"""White space as defined by scikit-learn's character n-grams, which replace two or more with one space."""

LEAST = 5e-324
"""The smallest number above zero."""

RUN = f"{SPACES}{{2,}}"
COLLAPSED = f"{RUN}|(?s:.)"
"""A run of white space, or any character."""

OPSET = 20
"""The opset that adds RegexFullMatch, which finds the runs among the tokens."""


def converters(*, collapsed: bool) -> dict[type[Any], Callable[..., None]]:
    """Return skl2onnx's `custom_conversion_functions` for texts.

    collapsed: whether texts come without runs of white space; if so, character n-grams are made from the texts
    unchanged.
    """

    def vectorize(scope: Any, operator: Any, container: Any) -> None:
        part, nodes = operator.raw_operator, Nodes(scope, container)
        counts = _counts(nodes, operator.inputs[0].full_name, part, collapsed=collapsed)
        weights = _weights(nodes, counts, part, of_texts=True) if isinstance(part, TfidfVectorizer) else counts
        nodes.add("Identity", weights, output=operator.outputs[0].full_name)

    def weigh(scope: Any, operator: Any, container: Any) -> None:
        nodes, counts = Nodes(scope, container), operator.inputs[0].full_name
        weights = _weights(nodes, counts, operator.raw_operator, of_texts=is_of_texts(nodes, counts))
        nodes.add("Identity", weights, output=operator.outputs[0].full_name)

    return {CountVectorizer: vectorize, TfidfVectorizer: vectorize, TfidfTransformer: weigh}


def _counts(nodes: Nodes, texts: str, part: Any, *, collapsed: bool) -> str:
    """Count each term in each text, shape (texts, terms)."""
    pattern, terms = splitting(part)
    padding = "#"
    while any(padding in term for term in terms):
        padding += "#"
    # The padding of short texts is in no term, so the other texts of a request change nothing.
    said: dict[str, Any] = {"mark": 0, "mincharnum": 1, "pad_value": padding}
    if pattern is not None:
        tokens = nodes.add("Tokenizer", texts, domain=ONNXRUNTIME, tokenexp=pattern, **said)
    elif collapsed:
        tokens = nodes.add("Tokenizer", texts, domain=ONNXRUNTIME, separators=[""], **said)
    else:
        tokens = _collapsed(nodes, texts, said)
    least, most = part.ngram_range
    ordered = sorted(terms.items(), key=lambda each: (len(each[0]), each[0]))
    counts = nodes.add(
        "TfIdfVectorizer",
        nodes.add("Flatten", tokens),
        mode="TF",
        min_gram_length=least,
        max_gram_length=most,
        max_skip_count=0,
        pool_strings=[token for term, _ in ordered for token in term],
        ngram_counts=[sum(len(term) for term, _ in ordered if len(term) < size) for size in range(1, most + 1)],
        ngram_indexes=[place for _, place in ordered],
    )
    if not part.binary:
        return counts
    return nodes.add("Cast", nodes.add("Cast", counts, to=onnx.TensorProto.BOOL), to=onnx.TensorProto.FLOAT)


def _collapsed(nodes: Nodes, texts: str, said: dict[str, Any]) -> str:
    """Return the characters of texts, with each run of white space as one space.

    Measured: finding a run takes a fiftieth of the time of splitting, and replacing the runs ten times that of
    splitting. So texts without runs take another branch.
    """
    runs = nodes.add("Tokenizer", texts, domain=ONNXRUNTIME, tokenexp=RUN, **said)
    found = nodes.add("Greater", nodes.add("Size", runs), nodes.constant(np.int64(0)))
    space = nodes.constant(np.array([" "], object))
    apart, run, whole, plain = (nodes.name(name) for name in ("apart", "run", "whole", "plain"))
    replaced = helper.make_graph(
        [
            helper.make_node("Tokenizer", [texts], [apart], domain=ONNXRUNTIME, tokenexp=COLLAPSED, **said),
            helper.make_node("RegexFullMatch", [apart], [run], pattern=RUN),
            helper.make_node("Where", [run, space, apart], [whole]),
        ],
        "runs",
        [],
        [helper.make_tensor_value_info(whole, onnx.TensorProto.STRING, None)],
    )
    split = helper.make_graph(
        [helper.make_node("Tokenizer", [texts], [plain], domain=ONNXRUNTIME, separators=[""], **said)],
        "plain",
        [],
        [helper.make_tensor_value_info(plain, onnx.TensorProto.STRING, None)],
    )
    # skl2onnx does not look at the branches, so this is the version that their nodes need.
    return nodes.add("If", found, version=OPSET, then_branch=replaced, else_branch=split)


def _weights(nodes: Nodes, counts: str, part: Any, *, of_texts: bool) -> str:
    """Weight the counts like TfidfTransformer. of_texts: they are integers, whose squares are exact in float32."""
    weights = counts
    if part.sublinear_tf:
        one, none = nodes.constant(np.float32(1)), nodes.constant(np.float32(0))
        logarithms = nodes.add("Add", nodes.add("Log", counts), one)
        weights = nodes.add("Where", nodes.add("Equal", counts, none), counts, logarithms)
    if part.use_idf:
        weights = nodes.add("Mul", weights, nodes.constant(np.asarray(part.idf_, np.float32)))
    if part.norm is None:
        return weights
    if of_texts:
        return normalized_texts(nodes, weights, part.norm)
    doubles = nodes.add("Cast", weights, to=onnx.TensorProto.DOUBLE)
    return nodes.add("Cast", normalized(nodes, doubles, part.norm, LEAST), to=onnx.TensorProto.FLOAT)
