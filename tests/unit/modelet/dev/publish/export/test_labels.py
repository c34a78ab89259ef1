"""The labels of a model, in the files that people keep them in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.publish.export.labels import choose_labels, labels_of, read_labels
from modelet.errors import PublishError

LABELS = ["O", "B-PER", "I-PER"]


@pytest.mark.parametrize(
    "value",
    [
        LABELS,
        {"0": "O", "1": "B-PER", "2": "I-PER"},
        {"2": "I-PER", "1": "B-PER", "0": "O"},
        {"O": 0, "B-PER": 1, "I-PER": 2},
        {"id2label": {"0": "O", "1": "B-PER", "2": "I-PER"}, "label2id": {}},
    ],
)
def test_labels_are_read_in_the_order_of_their_ids(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(value))
    assert read_labels(path, 3) == LABELS


def test_labels_may_stand_in_lines(tmp_path: Path) -> None:
    path = tmp_path / "label.txt"
    path.write_text("O\nB-PER\r\nI-PER\n\n")
    assert read_labels(path, 3) == LABELS


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (LABELS[:2], "has 2 labels, but the model has 3 scores: give one label for each, in the order of training"),
        ([*LABELS, "B-LOC"], "has 4 labels, but the model has 3 scores"),
        ({"0": "O", "2": "I-PER"}, "has no label for id 1: give every id from 0 a label"),
        ({"O": "B-PER"}, "is neither from ids to labels nor from labels to ids"),
        (["O", "O", "B-PER"], "has the label O twice"),
        (["O", "", "B-PER"], "has the label '' : give|has the label '': give each label a name"),
        (["O", 1, "B-PER"], "has the label 1: give each label a name"),
        ("O", "is not a list of labels"),
    ],
)
def test_wrong_labels_are_refused_with_the_file_and_the_remedy(tmp_path: Path, value: Any, said: str) -> None:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(value))
    with pytest.raises(PublishError, match=rf"^labels\.json ({said})"):
        read_labels(path, 3)


def test_a_file_that_is_no_json_or_is_missing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text("[")
    for name in ("labels.json", "none.txt"):
        with pytest.raises(PublishError, match=f"{name} cannot be read as a list of labels"):
            read_labels(tmp_path / name, 3)


@given(st.lists(st.text(min_size=1).filter(lambda text: text == text.strip() != ""), unique=True, min_size=1))
def test_a_list_and_both_mappings_give_the_same_labels(labels: list[str]) -> None:
    by_id = {str(place): label for place, label in enumerate(labels)}
    by_label = {label: place for place, label in enumerate(labels)}
    assert labels_of(labels, "f") == labels_of(by_id, "f") == labels_of(by_label, "f") == labels


BY_ID = dict(enumerate(LABELS))
BY_NUMBER = {place: f"LABEL_{place}" for place in range(3)}


def test_labels_are_those_of_config_json_or_of_a_file_if_it_has_none(tmp_path: Path) -> None:
    assert choose_labels(BY_ID, 3, tmp_path, None) == LABELS
    (tmp_path / "labels.json").write_text(json.dumps(LABELS))
    for known in (BY_ID, BY_NUMBER, {}, {0: "a", 1: "b"}):
        assert choose_labels(known, 3, tmp_path, None) == LABELS


@pytest.mark.parametrize("known", [BY_NUMBER, {}, {0: "O"}])
def test_labels_without_names_are_refused(tmp_path: Path, known: dict[int, str]) -> None:
    with pytest.raises(PublishError, match=rf"names {len(known)} labels by number for 3 scores: give their names"):
        choose_labels(known, 3, tmp_path, None)


def test_a_file_and_config_json_that_differ_are_refused_but_a_given_file_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "label.txt"
    path.write_text("O\nI-PER\nB-PER")
    said = r"^label\.txt has I-PER for id 1, but id2label in config\.json has B-PER: remove the one that is not"
    with pytest.raises(PublishError, match=said):
        choose_labels(BY_ID, 3, tmp_path, None)
    assert choose_labels(BY_ID, 3, tmp_path, path) == ["O", "I-PER", "B-PER"]
