"""Classification of documents and of pairs of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelet.backends.texts.classifying import (
    Classified,
    Document,
    DocumentClassificationModel,
    Pair,
    PairClassificationModel,
)
from modelet.errors import ArtifactError, ContractError
from support.texts import scores, text_artifacts, text_graph

LABELS = ("bad", "good")
GRAPH = text_graph(scores(LABELS, {"good": "good", "bad": "bad"}) * 0.1)


def answers(model: Any, *instances: dict[str, str]) -> list[Any]:
    found: list[Any] = model.postprocess(model.infer(model.preprocess(list(instances))), list(instances))
    return found


@pytest.fixture
def model(tmp_path: Path) -> DocumentClassificationModel[Document, Classified]:
    found = DocumentClassificationModel[Document, Classified]()
    found.load(text_artifacts(tmp_path, GRAPH, LABELS, task="text-classification", length=16))
    return found


def test_a_document_has_a_label_and_the_probabilities_of_all(model: Any) -> None:
    good, bad = answers(model, {"text": "good " * 9}, {"text": "bad"})
    assert good["label"] == "good"
    assert bad["label"] == "bad"
    assert good["probability"] == good["probabilities"]["good"] == max(good["probabilities"].values())
    assert sum(good["probabilities"].values()) == pytest.approx(1)


def test_an_empty_document_is_classified_too(model: Any) -> None:
    [answer] = answers(model, {"text": ""})
    assert answer["label"] == "bad"
    assert answer["probability"] == pytest.approx(1 / (1 + np.exp(-0.4)))


def test_a_long_document_is_not_cut(model: Any) -> None:
    """The first window alone says bad."""
    [answer] = answers(model, {"text": "bad " * 14 + "good " * 600})
    assert answer["label"] == "good"
    assert 0 < answer["probabilities"]["bad"] < 0.5


def test_a_pair_has_the_whole_first_text_in_each_window(tmp_path: Path) -> None:
    model = PairClassificationModel[Pair, Classified]()
    model.load(text_artifacts(tmp_path, GRAPH, LABELS, task="pair-classification", length=16))
    short, long = answers(model, {"first": "good", "second": "good"}, {"first": "good " * 8, "second": "where " * 500})
    assert short["probabilities"].keys() == long["probabilities"].keys() == set(LABELS)
    windows = model.preprocess([{"first": "good " * 8, "second": "where " * 500}])[0]
    assert len(windows) > 100
    assert len({tuple(window.ids[:9]) for window in windows}) == 1


def test_a_first_text_that_leaves_no_room_is_refused_by_its_row(tmp_path: Path) -> None:
    model = PairClassificationModel[Pair, Classified]()
    model.load(text_artifacts(tmp_path, GRAPH, LABELS, task="pair-classification", length=16))
    with pytest.raises(ContractError) as refused:
        model.preprocess([{"first": "good", "second": "bad"}, {"first": "good " * 9, "second": "bad " * 9}])
    assert [(each.instance, each.field) for each in refused.value.violations] == [(1, "first")]


def test_a_version_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no labels"):
        DocumentClassificationModel[Document, Classified]().load(
            text_artifacts(tmp_path, GRAPH, (), task="text-classification")
        )


@pytest.mark.parametrize("task", ["pair-classification", "token-classification"])
def test_a_version_of_another_task_is_refused(tmp_path: Path, task: str) -> None:
    said = f"Model serves text-classification, but the version's task is {task}: use the class of that task"
    with pytest.raises(ArtifactError, match=said):
        DocumentClassificationModel[Document, Classified]().load(text_artifacts(tmp_path, GRAPH, LABELS, task=task))
