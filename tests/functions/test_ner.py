"""The ner sample: its generated corpus, its exported model, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelet.dev.project.author import author_modules
from modelet.dev.project.project import Function
from modelet.store.manifest import Manifest
from support.repository import ROOT

FOLDER = "ner"
MODEL = ROOT / "functions" / FOLDER / "model"
NAMES = ["인명", "지명", "기관명", "날짜", "시간", "기간", "통화", "비율", "기타 수량표현", "기타"]

Ask = Callable[[Any], tuple[int, Any]]

with author_modules(ROOT / "functions" / FOLDER) as load_once:
    corpus = load_once("training.corpus")


@pytest.fixture(scope="module")
def examples() -> list[Any]:
    found: list[Any] = corpus.generate(500, 3, held_out=True)
    return found


def test_the_corpus_is_the_same_every_time_and_other_for_another_seed() -> None:
    assert corpus.generate(50, 1) == corpus.generate(50, 1)
    assert corpus.generate(50, 1) != corpus.generate(50, 2)


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=30)
def test_entities_are_parts_of_their_sentence_and_do_not_overlap(seed: int, held_out: bool) -> None:
    for sentence, entities in corpus.generate(5, seed, held_out=held_out):
        end = 0
        for start, stop, kind in entities:
            assert end <= start < stop <= len(sentence)
            assert kind in corpus.KINDS
            assert sentence[start:stop] == sentence[start:stop].strip()
            end = stop


def test_every_kind_of_entity_occurs_and_so_do_sentences_without(examples: list[Any]) -> None:
    assert {kind for each in examples for _, _, kind in each.entities} == set(corpus.KINDS)
    assert any(not each.entities for each in examples)


def test_held_out_cities_are_in_no_training_sentence(examples: list[Any]) -> None:
    trained = {
        each.sentence[start:end]
        for each in corpus.generate(2_000, 2026)
        for start, end, kind in each.entities
        if kind == "LOC"
    }
    held_out = set(corpus.WORDS["cities"][1::2])
    assert {each.sentence[start:end] for each in examples for start, end, _ in each.entities} & held_out
    assert not trained & held_out


@pytest.mark.parametrize(
    ("word", "pair", "particle"),
    [("민수", "은/는", "는"), ("서울", "은/는", "은"), ("서울", "으로/로", "로"), ("부산", "으로/로", "으로"),
     ("민수", "와/과", "와"), ("서울", "와/과", "과"), ("A", "이/가", "가")],
)  # fmt: skip
def test_a_particle_fits_the_word_before_it(word: str, pair: str, particle: str) -> None:
    assert corpus._particle(word, pair) == particle


def test_labels_of_tokens_begin_with_the_entity() -> None:
    offsets = [(0, 1), (1, 2), (3, 4), (4, 5)]
    assert corpus.label_tokens(offsets, [(0, 2, "PER"), (4, 5, "LOC")]) == ["B-PER", "I-PER", "O", "B-LOC"]


def test_the_exported_model_is_small() -> None:
    assert sum(path.stat().st_size for path in MODEL.iterdir()) < 5_000_000


def test_the_version_has_its_files_and_where_its_figures_come_from(manifest: Manifest) -> None:
    assert [file.path for file in manifest.files] == ["model.onnx", "tokenizer.json"]
    assert manifest.model_info["corpus"] == "generated"
    assert manifest.compiled is not None
    assert manifest.compiled["parity"]["labels"] == "equal"
    assert manifest.compiled["parity"]["greatest_difference"] <= 1e-5
    assert manifest.compiled["served"]["examples"] == 1_000


def test_entities_of_unseen_names_are_found_better_than_an_honest_floor(manifest: Manifest) -> None:
    assert manifest.metric == "f1"
    assert manifest.performance["f1"] >= 0.9


def test_publishing_again_gives_the_same_files_and_figures(
    manifest: Manifest, manifest_of_a_second_training: Manifest
) -> None:
    assert manifest_of_a_second_training.files == manifest.files
    assert manifest_of_a_second_training.performance == manifest.performance


def test_the_contract_needs_no_pydantic(function: Function) -> None:
    from modelet.bundle import Bundle

    assert None not in Bundle.read(function.bundle_path, function.folder).contract.values()


def test_only_what_serves_is_a_source_of_the_bundle(function: Function) -> None:
    from modelet.bundle import Bundle

    assert set(Bundle.read(function.bundle_path, function.folder).sources) == {"app.py", "model.yaml"}


def test_a_clear_sentence_is_understood(ask: Ask) -> None:
    sentence = "김민수는 어제 부산에서 한빛전자 관계자를 만났다. 회의는 2024년 5월 3일 오후 3시에 열린다."
    status, answer = ask({"sentence": sentence})
    assert status == 200
    found = [(entity["text"], entity["tag"]) for entity in answer["entities"]]
    assert found == [
        ("김민수", "인명"), ("어제", "날짜"), ("부산", "지명"), ("한빛전자", "기관명"), ("2024년 5월 3일", "날짜"),
        ("오후 3시", "시간"),
    ]  # fmt: skip
    assert all(sentence[each["start"] : each["end"]] == each["text"] for each in answer["entities"])
    assert all(0 <= token["top_prob"] <= 1 for token in answer["result"])
    assert {token["predicted_tag"] for token in answer["result"]} <= {"O", *NAMES}


@pytest.mark.parametrize("sentence", ["", " ", "\x00", "\u200b", "\n\t"])
def test_a_sentence_without_tokens_has_no_entities(ask: Ask, sentence: str) -> None:
    assert ask({"sentence": sentence}) == (200, {"sentence": sentence, "result": [], "entities": []})


@pytest.mark.parametrize(
    "sentence",
    ["😀", "ᄀ" + "ᅡ" * 3, "שלום עולם", "مرحبا", "漢字 かな", "[CLS] [SEP] [PAD]", "가" * 200, "a\x00b", "\U0010ffff"],
)
def test_any_text_is_answered_with_places_in_it(ask: Ask, sentence: str) -> None:
    status, answer = ask({"sentence": sentence})
    assert status == 200
    assert answer["sentence"] == sentence
    assert len(answer["result"]) >= 1
    assert all(sentence[each["start"] : each["end"]] == each["text"] for each in answer["entities"])


def test_a_long_text_is_answered_to_its_end(ask: Ask) -> None:
    sentence = "밥은 먹고 다니니? " * 500 + "김민수는 부산에 갑니다."
    status, answer = ask({"sentence": sentence})
    assert status == 200
    last = [(each["text"], each["tag"]) for each in answer["entities"] if each["start"] >= 11 * 500]
    assert ("부산", "지명") in last
    whole = ask({"sentence": "가나다 " * 25_000})
    assert whole[0] == 413 or len(whole[1]["result"]) == 75_000


@pytest.mark.parametrize("body", [{"sentence": "가" * 100_001}, {"sentence": None}, {}, {"sentence": "a", "more": 1}])
def test_what_is_no_sentence_is_refused(ask: Ask, body: dict[str, Any]) -> None:
    assert ask(body)[0] == 422


def test_sentences_of_a_batch_are_answered_like_alone(ask: Ask, examples: list[Any]) -> None:
    sentences = [each.sentence for each in examples[:40]]
    status, body = ask({"instances": [{"sentence": sentence} for sentence in sentences]})
    assert status == 200
    for sentence, together in zip(sentences, body["predictions"], strict=True):
        alone = ask({"sentence": sentence})[1]
        assert [each["predicted_tag"] for each in alone["result"]] == [
            each["predicted_tag"] for each in together["result"]
        ]
        assert [each["top_prob"] for each in alone["result"]] == pytest.approx(
            [each["top_prob"] for each in together["result"]], abs=1e-5
        )


def test_the_label_map_has_the_names_that_people_use() -> None:
    assert list(json.loads((MODEL / "label_map.json").read_text()).values()) == NAMES
