"""Token classification: the answer's tokens and entities, for any text and any number of windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.backends.texts.tagging import Sentence, Tagged, TokenClassificationModel
from modelet.errors import ArtifactError
from support.texts import LABELS, scores, text_artifacts, token_graph

BEST = {"김민수": "B-PER", "서울": "B-LOC", "부산": "B-LOC", "은행": "I-LOC", "a": "B-PER", "##b": "I-PER"}
NAMES = {"PER": "인명", "LOC": "지명"}
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def loaded(folder: Path, length: int = 32, **files: Any) -> TokenClassificationModel[Sentence, Tagged]:
    model = TokenClassificationModel[Sentence, Tagged]()
    model.load(text_artifacts(folder, token_graph(scores(LABELS, BEST)), length=length, **files))
    return model


def answers(model: Any, *sentences: str) -> list[Any]:
    instances = [{"sentence": sentence} for sentence in sentences]
    found: list[Any] = model.postprocess(model.infer(model.preprocess(instances)), instances)
    return found


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TokenClassificationModel[Sentence, Tagged]:
    return loaded(tmp_path_factory.mktemp("short"), 16, label_map=NAMES)


@pytest.fixture(scope="module")
def long_model(tmp_path_factory: pytest.TempPathFactory) -> TokenClassificationModel[Sentence, Tagged]:
    return loaded(tmp_path_factory.mktemp("long"), 4_096, label_map=NAMES)


def test_tokens_have_their_most_likely_tag_and_entities_their_place(model: Any) -> None:
    [answer] = answers(model, "김민수는 서울 은행에 갑니다")
    share = answer["result"][0]["top_prob"]
    assert 0.9 < share < 1
    assert answer["sentence"] == "김민수는 서울 은행에 갑니다"
    assert [(each["token"], each["predicted_tag"]) for each in answer["result"]] == [
        ("김민수", "인명"), ("##는", "O"), ("서울", "지명"), ("은행", "지명"), ("##에", "O"), ("갑니다", "O"),
    ]  # fmt: skip
    assert answer["entities"] == [
        {"text": "김민수", "tag": "인명", "start": 0, "end": 3, "probability": pytest.approx(share)},
        {"text": "서울 은행", "tag": "지명", "start": 5, "end": 10, "probability": pytest.approx(share)},
    ]


def test_without_a_label_map_tags_keep_their_names(tmp_path: Path) -> None:
    [answer] = answers(loaded(tmp_path), "ab 서울")
    assert [each["predicted_tag"] for each in answer["result"]] == ["B-PER", "I-PER", "B-LOC"]
    assert [(each["text"], each["tag"]) for each in answer["entities"]] == [("ab", "PER"), ("서울", "LOC")]


def test_offsets_are_code_points_after_emoji_and_other_scripts(model: Any) -> None:
    sentence = "👩‍👩‍👧 שלום \u202e e\u0301 \0 ᄀ 서울"
    [answer] = answers(model, sentence)
    [entity] = answer["entities"]
    assert sentence[entity["start"] : entity["end"]] == entity["text"] == "서울"
    assert entity["start"] == sentence.index("서울")


@pytest.mark.parametrize("sentence", ["", " ", "\0", "\n \t"])
def test_a_text_without_tokens_has_no_tags_and_does_not_run_the_graph(model: Any, sentence: str) -> None:
    assert answers(model, sentence) == [{"sentence": sentence, "result": [], "entities": []}]
    both = answers(model, sentence, "서울")
    assert both[0]["result"] == []
    assert both[1]["entities"][0]["text"] == "서울"


PIECES = ["김민수", "서울", "부산", " ", "은행", "a", "b", "?", "漢", "😀", "\0", "는", "\n"]


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=60).map("".join), min_size=1, max_size=20))
def test_a_text_in_many_windows_and_in_a_batch_is_answered_like_alone_in_one(
    model: Any, long_model: Any, sentences: list[str]
) -> None:
    together = answers(model, *sentences)
    for sentence, answer in zip(sentences, together, strict=True):
        [alone] = answers(long_model, sentence)
        assert answer == alone
        assert all(sentence[each["start"] : each["end"]] == each["text"] for each in answer["entities"])


def test_a_hundred_thousand_characters_are_answered_whole(model: Any) -> None:
    sentence = ("김민수는 서울에 갑니다. " * 8_000)[:100_000]
    [answer] = answers(model, sentence)
    people = [each for each in answer["entities"] if each["tag"] == "인명"]
    assert [each["start"] for each in people] == list(range(0, 99_990, 14))[: len(people)]
    assert len(people) == sentence.count("김민수")


@pytest.mark.parametrize("inputs", [INPUTS, ("input_ids",), ("attention_mask", "input_ids")])
def test_a_graph_gets_only_the_inputs_that_it_has(tmp_path: Path, inputs: tuple[str, ...]) -> None:
    found = TokenClassificationModel[Sentence, Tagged]()
    found.load(text_artifacts(tmp_path, token_graph(scores(LABELS, BEST), inputs)))
    assert answers(found, "서울 a")[0]["entities"][0]["text"] == "서울"


def test_a_graph_with_another_input_is_refused(tmp_path: Path) -> None:
    graph = token_graph(scores(LABELS, BEST), ("input_ids", "position_ids"))
    with pytest.raises(ArtifactError, match="has the input position_ids: a model of texts gives input_ids, attention"):
        TokenClassificationModel[Sentence, Tagged]().load(text_artifacts(tmp_path, graph))


def test_a_version_without_labels_or_with_too_few_is_refused(tmp_path: Path) -> None:
    graph = token_graph(scores(LABELS, BEST))
    with pytest.raises(ArtifactError, match="no labels in model_info: publish the model again"):
        TokenClassificationModel[Sentence, Tagged]().load(text_artifacts(tmp_path / "none", graph, ()))
    with pytest.raises(ArtifactError, match="gives 5 scores, but there are 2 labels: publish it again"):
        TokenClassificationModel[Sentence, Tagged]().load(text_artifacts(tmp_path / "few", graph, LABELS[:2]))


def test_a_label_that_is_a_special_token_is_no_entity(tmp_path: Path) -> None:
    labels = ("O", "[PAD]", "[CLS]", "X", "B-PER")
    found = TokenClassificationModel[Sentence, Tagged]()
    best = {"서울": "[PAD]", "부산": "[CLS]", "은행": "X", "김민수": "B-PER"}
    found.load(text_artifacts(tmp_path, token_graph(scores(labels, best)), labels))
    [answer] = answers(found, "서울 김민수 부산 은행")
    assert [each["predicted_tag"] for each in answer["result"]] == ["[PAD]", "B-PER", "[CLS]", "X"]
    assert [each["text"] for each in answer["entities"]] == ["김민수"]


def test_a_version_with_marked_labels_and_no_label_for_outside_is_refused(tmp_path: Path) -> None:
    labels = ("B-PER", "I-PER")
    with pytest.raises(ArtifactError, match="the labels have B-PER, but no O"):
        TokenClassificationModel[Sentence, Tagged]().load(
            text_artifacts(tmp_path, token_graph(scores(labels, {})), labels)
        )
