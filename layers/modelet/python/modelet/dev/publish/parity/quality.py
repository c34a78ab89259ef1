"""Measure the quality of a model of texts on examples that have the right answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.backends.texts.labels import label_of
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def quality(
    task: str, examples: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> tuple[dict[str, float], str]:
    """Return figures by name, and the name of the main one; none if the examples have no right answers.

    Entities: micro-averaged precision, recall and F1; one is right if start, end and tag are. Labels: accuracy.
    names: the readable names of the tags. Raises PublishError if only some examples have a right answer.
    """
    key = {"token-classification": "entities", "question-answering": "answer"}.get(task, "label")
    known = [key in example for example in examples]
    if not any(known) or task == "sentence-embedding":
        return {}, ""
    if not all(known):
        raise PublishError(f"examples: number {known.index(False)} has no {key}, but others have: give all or none")
    if task == "token-classification":
        return _entities(examples, answers, names)
    right = [example[key] == answer[key] for example, answer in zip(examples, answers, strict=True)]
    return {"accuracy": sum(right) / len(right)}, "accuracy"


def _entities(
    examples: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> tuple[dict[str, float], str]:
    right = wanted = found = 0
    for place, (example, answer) in enumerate(zip(examples, answers, strict=True)):
        try:
            expected = {(each["start"], each["end"], label_of(each["tag"], names).tag) for each in example["entities"]}
        except (KeyError, TypeError):
            raise PublishError(f"examples: number {place} has an entity without start, end and tag: add them") from None
        given = {(each["start"], each["end"], each["tag"]) for each in answer["entities"]}
        right += len(expected & given)
        wanted += len(expected)
        found += len(given)
    precision, recall = right / found if found else 0.0, right / wanted if wanted else 0.0
    f1 = 2 * right / (wanted + found) if wanted + found else 0.0
    return {"precision": precision, "recall": recall, "f1": f1}, "f1"
