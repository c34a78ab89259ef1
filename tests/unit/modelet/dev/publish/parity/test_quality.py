"""The quality of a model of texts on examples with right answers."""

from __future__ import annotations

from typing import Any

import pytest

from modelet.dev.publish.parity.quality import quality
from modelet.errors import PublishError

NAMES = {"PER": "인명"}


def entity(start: int, end: int, tag: str) -> dict[str, Any]:
    return {"start": start, "end": end, "tag": tag}


def test_an_entity_is_right_if_place_and_tag_are() -> None:
    examples: list[dict[str, Any]] = [
        {"entities": [entity(0, 2, "PER"), entity(3, 5, "LOC")]},
        {"entities": [entity(0, 1, "PER")]},
    ]
    answers: list[dict[str, Any]] = [
        {"entities": [entity(0, 2, "인명"), entity(3, 4, "LOC"), entity(6, 7, "인명")]},
        {"entities": []},
    ]
    figures, metric = quality("token-classification", examples, answers, NAMES)
    assert metric == "f1"
    assert figures == pytest.approx({"precision": 1 / 3, "recall": 1 / 3, "f1": 1 / 3})


def test_nothing_wanted_and_nothing_found_is_no_division_by_zero() -> None:
    figures, _ = quality("token-classification", [{"entities": []}], [{"entities": []}], {})
    assert figures == {"precision": 0.0, "recall": 0.0, "f1": 0.0}


@pytest.mark.parametrize(("task", "key"), [("text-classification", "label"), ("question-answering", "answer")])
def test_labels_and_answers_are_right_or_wrong(task: str, key: str) -> None:
    figures, metric = quality(task, [{key: "a"}, {key: "b"}], [{key: "a"}, {key: "c"}], {})
    assert (figures, metric) == ({"accuracy": 0.5}, "accuracy")


def test_examples_without_right_answers_have_no_figures() -> None:
    assert quality("text-classification", [{}], [{"label": "a"}], {}) == ({}, "")


def test_right_answers_are_for_all_examples_or_none() -> None:
    with pytest.raises(PublishError, match="examples: number 1 has no label, but others have: give all or none"):
        quality("text-classification", [{"label": "a"}, {}], [{"label": "a"}] * 2, {})


def test_an_entity_without_its_place_is_refused() -> None:
    with pytest.raises(PublishError, match="examples: number 0 has an entity without start, end and tag"):
        quality("token-classification", [{"entities": [{"start": 1}]}], [{"entities": []}], {})
