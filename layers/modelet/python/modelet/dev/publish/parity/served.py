"""Answer the examples of a model of texts as a function will, and compare the answers of its two precisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelet.backends import resolve
from modelet.backends.onnx import ENGINE
from modelet.dev.publish.draft import draft
from modelet.dev.publish.onnx.graph import line
from modelet.dev.publish.parity.quality import quality
from modelet.errors import ModeletError, ParityError, PublishError

if TYPE_CHECKING:
    from modelet.backends.texts.base import TextModel
    from modelet.store.manifest import Manifest

TASKS = {
    "token-classification": "modelet.backends.texts.tagging:TokenClassificationModel",
    "text-classification": "modelet.backends.texts.classifying:DocumentClassificationModel",
    "pair-classification": "modelet.backends.texts.classifying:PairClassificationModel",
    "question-answering": "modelet.backends.texts.answering:QuestionAnsweringModel",
    "sentence-embedding": "modelet.backends.texts.embedding:SentenceEmbeddingModel",
}
"""The class that serves each task."""
MOST_UNKNOWN = 0.05
"""The largest share of the examples' tokens that the tokenizer may not know."""
ALONE = 16
"""How many examples are also answered alone."""
TOLERANCE = 1e-5


class Served(NamedTuple):
    """What a version answers to its examples: the answers, their quality, and the share of unknown tokens."""

    answers: list[dict[str, Any]]
    figures: dict[str, float]
    metric: str
    unknown: float


def served(manifest: Manifest, files: Mapping[str, bytes], examples: list[dict[str, Any]]) -> Served:
    """Answer the examples as they are served, together and some alone. Raises PublishError and ParityError."""
    model: TextModel[Any, Any] = resolve(TASKS[manifest.model_info["task"]])[Any, Any]()
    texts = [example[name] for example in examples for name in manifest.features]
    try:
        with draft(manifest, files) as artifacts:
            model.load(artifacts)
        unknown = _unknown(model, texts)
        answers = _answers(model, examples)
        for place in range(0, len(examples), 1 + (len(examples) - 1) // ALONE):
            [alone] = _answers(model, [examples[place]])
            _check_same(place, alone, answers[place])
    except PublishError:
        raise
    except ModeletError as error:
        raise PublishError(f"the examples cannot be answered: {line(error)}") from error
    names = manifest.model_info.get("label_map", {})
    figures, metric = quality(manifest.model_info["task"], examples, answers, names)
    return Served(answers, figures, metric, unknown)


def _unknown(model: TextModel[Any, Any], texts: list[str]) -> float:
    """Return the share of the texts' tokens that the tokenizer does not know. Raises PublishError if it is high."""
    unknown = model.tokenizer.unknown_share(texts)
    if unknown > MOST_UNKNOWN:
        raise PublishError(
            f"the tokenizer does not know {unknown:.0%} of the examples' tokens: save the one of the training as "
            "tokenizer.json, with its do_lower_case and strip_accents (they take letters apart), and export again"
        )
    return unknown


def _check_same(place: int, alone: Any, together: Any) -> None:
    if not _same(alone, together):
        raise ParityError(
            f"the answer to example {place} depends on the others of its request: write a forward that does not mix "
            "the texts of a batch, such as a mean over its first axis, and export the model again"
        )


def _answers(model: TextModel[Any, Any], examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = model.postprocess(model.infer(model.preprocess(examples)), examples)
    return found


def _same(one: Any, other: Any) -> bool:
    """Return whether two answers have the same values, and numbers that differ by rounding only."""
    if isinstance(one, float):
        return bool(abs(one - other) <= TOLERANCE)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def check_equal(before: Served, after: Served) -> float:
    """Return the greatest difference of two graphs' answers. Raises ParityError if it is more than rounding."""
    for place, (one, other) in enumerate(zip(before.answers, after.answers, strict=True)):
        if not _same(one, other):
            raise ParityError(
                f"{ENGINE} changes the answer to example {place} by its optimisations: "
                "install another release of onnxruntime, and publish again"
            )
    return max(_greatest(*each) for each in zip(before.answers, after.answers, strict=True))


def loss(before: Served, after: Served, most: float) -> dict[str, Any]:
    """Return what quantisation changed.

    Raises ParityError if labels, the metric or the cosine distance of two vectors changed by more than `most`.
    """
    pairs = [
        (one, other)
        for first, second in zip(before.answers, after.answers, strict=True)
        for one, other in zip(_labels(first), _labels(second), strict=True)
    ]
    differing = sum(one != other for one, other in pairs) / len(pairs) if pairs else 0.0
    metric = before.metric
    lost = before.figures[metric] - after.figures[metric] if metric else 0.0
    apart = max((_distance(*each) for each in zip(before.answers, after.answers, strict=True)), default=0.0)
    for name, value in (("labels", differing), (metric, lost), ("the cosine similarity", apart)):
        if not value <= most:
            raise ParityError(
                f"int8 loses {value:.4f} of {name}, and quantize.max_loss allows {most}: remove quantize, or allow more"
            )
    greatest = max((_greatest(*each) for each in zip(before.answers, after.answers, strict=True)), default=0.0)
    measured = {metric: {"float32": before.figures[metric], "int8": after.figures[metric]}} if metric else {}
    return {"max_loss": most, "labels_differ": differing, "greatest_difference": greatest, **measured}


def _distance(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Return the cosine distance of two embeddings, whose length is 1; 0 for other answers."""
    return _greatest(one, other) ** 2 / 2 if "embedding" in one else 0.0


def _labels(answer: Mapping[str, Any]) -> list[Any]:
    """Return what an answer decides: each token's tag, a label, the place of an answer, or nothing: a vector."""
    if "embedding" in answer:
        return []
    if "result" in answer:
        return [token["predicted_tag"] for token in answer["result"]]
    return [answer.get("label", (answer.get("start"), answer.get("end")))]


def _greatest(one: Any, other: Any) -> float:
    """Return the greatest difference of probabilities, or the distance of two vectors."""
    if "result" in one:
        pairs = zip(one["result"], other["result"], strict=True)
        return max((abs(first["top_prob"] - second["top_prob"]) for first, second in pairs), default=0.0)
    if "embedding" in one:
        return float(np.linalg.norm(np.subtract(one["embedding"], other["embedding"])))
    return float(abs(one["probability"] - other["probability"]))
