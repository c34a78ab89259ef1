"""Labels and their readable names, and entities merged from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.backends.texts.labels import check_outside, entities_of, label_of
from modelet.errors import ArtifactError

NAMES = {"PER": "인명", "LOC": "지명", "DUR": "기간"}


@pytest.mark.parametrize(
    ("raw", "kind", "name", "tag"),
    [
        ("O", "", "O", "O"),
        ("B-PER", "PER", "인명", "인명"),
        ("I_LOC", "LOC", "지명", "지명"),
        ("DUR-B", "DUR", "기간", "기간"),
        ("B-PERSON", "PERSON", "인명", "인명"),
        ("PER", "PER", "인명", "인명"),
        ("B-EVT", "EVT", "B-EVT", "EVT"),
        ("EVT", "EVT", "EVT", "EVT"),
    ],
)
def test_a_label_has_the_readable_name_of_its_kind_or_keeps_its_own(raw: str, kind: str, name: str, tag: str) -> None:
    label = label_of(raw, NAMES)
    assert (label.kind, label.name, label.tag) == (kind, name, tag)


def test_a_kind_s_own_name_wins_over_one_that_it_contains_and_a_longer_one_over_a_shorter() -> None:
    names = {"PER": "인명", "PERCENT": "비율", "CENT": "돈"}
    assert [label_of(raw, names).tag for raw in ("B-PERCENT", "B-PER", "B-PERCENTAGE")] == ["비율", "인명", "비율"]


def test_a_token_outside_of_entities_never_gets_a_name() -> None:
    assert label_of("O", {"O": "기타"}).name == "O"


@pytest.mark.parametrize("raw", ["O", "o", "X", "[PAD]", "[CLS]"])
def test_labels_that_are_no_entities_have_no_kind(raw: str) -> None:
    label = label_of(raw, {"X": "기타", "PAD": "기타"}, {"[PAD]", "[CLS]"})
    assert (label.kind, label.name) == ("", raw)


@pytest.mark.parametrize("labels", [["B-PER", "I-PER"], ["X", "PER-B"], ["[PAD]", "S-LOC"]])
def test_marked_labels_without_one_for_outside_are_refused(labels: list[str]) -> None:
    with pytest.raises(
        ArtifactError, match=r"^the labels have \S+, but no O for a token outside of entities: give the"
    ):
        check_outside(labels)


@pytest.mark.parametrize("labels", [["O", "B-PER"], ["B-PER", "o"], ["PER", "LOC"], ["good", "bad"]])
def test_other_lists_of_labels_are_served(labels: list[str]) -> None:
    check_outside(labels)


TEXT = "aa bb cc dd"
OFFSETS = [(0, 2), (3, 5), (6, 8), (9, 11)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (["O", "O", "O", "O"], []),
        (["B-PER", "I-PER", "O", "B-LOC"], [("aa bb", "인명"), ("dd", "지명")]),
        (["B-PER", "B-PER", "I-PER", "I-PER"], [("aa", "인명"), ("bb cc dd", "인명")]),
        (["I-PER", "I-PER", "I-LOC", "O"], [("aa bb", "인명"), ("cc", "지명")]),
        (["B-PER", "O", "I-PER", "O"], [("aa", "인명"), ("cc", "인명")]),
        (["S-PER", "I-PER", "E-PER", "I-PER"], [("aa", "인명"), ("bb cc", "인명"), ("dd", "인명")]),
        (["U-PER", "U-PER", "B-LOC", "L-LOC"], [("aa", "인명"), ("bb", "인명"), ("cc dd", "지명")]),
        (["PER-B", "PER-I", "O", "LOC-B"], [("aa bb", "인명"), ("dd", "지명")]),
        (["PER", "PER", "O", "LOC"], [("aa bb", "인명"), ("dd", "지명")]),
        (["B-PERSON", "I-PER", "O", "O"], [("aa", "인명"), ("bb", "인명")]),
    ],
)
def test_entities_begin_and_end_where_the_raw_labels_say(raw: list[str], expected: list[tuple[str, str]]) -> None:
    labels = [label_of(each, NAMES) for each in raw]
    found = entities_of(TEXT, OFFSETS, labels, [1.0] * 4)
    assert [(each["text"], each["tag"]) for each in found] == expected


def test_the_probability_of_an_entity_is_the_mean_of_its_tokens() -> None:
    labels = [label_of(each, NAMES) for each in ("O", "B-PER", "I-PER", "B-PER")]
    found = entities_of(TEXT, OFFSETS, labels, [0.1, 0.8, 0.4, 0.9])
    assert [each["probability"] for each in found] == pytest.approx([0.6, 0.9])


@given(st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "E-LOC", "S-PER", "MISC"]), max_size=30))
def test_every_token_with_a_kind_is_in_one_entity_of_its_kind(raw: list[str]) -> None:
    text = "x" * len(raw)
    labels = [label_of(each, {}) for each in raw]
    found = entities_of(text, [(place, place + 1) for place in range(len(raw))], labels, [0.5] * len(raw))
    inside = {place: each["tag"] for each in found for place in range(each["start"], each["end"])}
    assert inside == {place: label.kind for place, label in enumerate(labels) if label.kind}
    assert sum(each["end"] - each["start"] for each in found) == len(inside)
