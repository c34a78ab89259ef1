"""The sentiment sample: its corpus, its cleaning, the quality of its model, and what it answers."""

from __future__ import annotations

import csv
import itertools
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.project.author import author_modules
from modelet.dev.project.project import Function, Project
from modelet.store.manifest import Manifest
from modelet.store.store import Store
from support.repository import ROOT

FOLDER = "sentiment"
CORPUS = ROOT / "functions" / FOLDER / "reviews.csv"

Ask = Callable[[Any], tuple[int, Any]]
Load = Callable[[str], Any]

with author_modules(ROOT / "functions" / FOLDER) as load_once:
    clean = load_once("cleaning").clean


@pytest.fixture(scope="module")
def reviews() -> list[dict[str, str]]:
    with CORPUS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def count(reviews: list[dict[str, str]], **wanted: str) -> int:
    return sum(all(review[key] == value for key, value in wanted.items()) for review in reviews)


def test_the_corpus_has_enough_reviews_half_of_each_language_and_label(reviews: list[dict[str, str]]) -> None:
    assert len(reviews) >= 420
    for language in ("ko", "en"):
        total = count(reviews, language=language)
        assert 0.45 <= total / len(reviews) <= 0.55
        assert 0.45 <= count(reviews, language=language, label="positive") / total <= 0.55
    assert {review["label"] for review in reviews} == {"positive", "negative"}
    assert {review["language"] for review in reviews} == {"ko", "en"}


def test_no_review_is_there_twice_even_once_cleaned(reviews: list[dict[str, str]]) -> None:
    texts = [clean(review["text"]) for review in reviews]
    assert len(set(texts)) == len(texts)


def test_no_two_reviews_with_one_label_are_nearly_the_same(reviews: list[dict[str, str]]) -> None:
    words = [(frozenset(clean(review["text"]).split()), review["label"]) for review in reviews]
    for (one, label), (other, same) in itertools.combinations(words, 2):
        assert label != same or len(one & other) <= 0.6 * len(one | other), one & other


def test_reviews_are_short_and_in_the_language_that_they_say(reviews: list[dict[str, str]]) -> None:
    for review in reviews:
        assert 3 <= len(review["text"]) <= 200
        assert review["text"] == review["text"].strip()
        assert bool(re.search("[가-힣]", review["text"])) is (review["language"] == "ko"), review


@given(st.text())
def test_clean_text_has_no_capitals_and_no_runs_of_spaces_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    assert cleaned == cleaned.lower()
    assert cleaned == " ".join(cleaned.split(" "))
    assert "  " not in cleaned
    assert clean(cleaned) == cleaned


@given(st.text(alphabet="가나다라맛있어요별로 abcXYZ!?ㅠㅋ"))
def test_text_from_a_keyboard_that_sends_single_jamo_cleans_to_the_same(text: str) -> None:
    assert clean(unicodedata.normalize("NFD", text)) == clean(text)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  I DON'T   like it... ", "i dont like it"),
        ("Soooo good!!!!!", "soo good!!"),
        ("진짜 맛있어요ㅋㅋㅋㅋㅋ^^", "진짜 맛있어요ㅋㅋ"),
        ("최고👍👍👍 <br/> 추천", "최고👍👍 br 추천"),
        ("…", ""),
    ],
)
def test_cleaning_keeps_what_shows_the_mood(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_cross_validated_figures_are_above_an_honest_floor_in_both_languages(manifest: Manifest) -> None:
    figures = manifest.performance
    assert manifest.metric == "accuracy"
    assert figures["accuracy"] >= 0.80
    assert figures["roc_auc"] >= 0.87
    assert figures["accuracy_ko"] >= 0.80
    assert figures["accuracy_en"] >= 0.76
    assert {f"{name}{of}" for name in ("accuracy", "f1", "roc_auc") for of in ("", "_ko", "_en")} == set(figures)


def test_training_again_gives_the_same_files_and_figures(
    manifest: Manifest, manifest_of_a_second_training: Manifest
) -> None:
    assert manifest_of_a_second_training.files == manifest.files
    assert manifest_of_a_second_training.performance == manifest.performance


def test_the_graph_is_compared_on_a_thousand_texts_that_are_not_in_the_corpus(modules: Load) -> None:
    train = modules("train")
    texts, _, _ = train.read_corpus()
    examples = train.recombine(texts, 1_200)
    assert len(set(examples)) == 1_200
    assert not set(examples) & set(texts)
    assert examples == [clean(text) for text in examples]


CLEAR = [
    ("The food was delicious and the staff were wonderful.", "positive"),
    ("Absolutely love this place, excellent service!", "positive"),
    ("GREAT quality, works perfectly, highly recommended!!", "positive"),
    ("Terrible service, rude staff and cold food.", "negative"),
    ("It broke after one day, what a waste of money.", "negative"),
    ("Boring and badly written, the worst I have seen.", "negative"),
    ("정말 맛있고 직원분들도 친절해서 좋았어요!", "positive"),
    ("배송도 빠르고 품질도 훌륭해서 아주 만족합니다.", "positive"),
    ("강력 추천합니다 최고예요 ㅎㅎ", "positive"),
    ("음식이 너무 짜고 직원이 불친절해서 실망했어요.", "negative"),
    ("일주일 만에 고장 나서 환불했습니다. 최악이에요.", "negative"),
    ("돈이 아깝고 시간도 아까운 영화, 지루했어요 ㅠㅠ", "negative"),
]


@pytest.mark.parametrize(("text", "label"), CLEAR)
def test_a_clear_review_that_is_not_in_the_corpus_is_understood(
    text: str, label: str, ask: Ask, reviews: list[dict[str, str]]
) -> None:
    assert clean(text) not in {clean(review["text"]) for review in reviews}
    status, prediction = ask({"text": text})
    assert status == 200
    assert prediction["label"] == label
    assert 0.5 <= prediction["probability"] <= 1


def test_the_label_is_the_likelier_class_of_the_estimator_with_its_probability(ask: Ask, modules: Load) -> None:
    train = modules("train")
    texts, targets, _ = train.read_corpus()
    estimator = train.new_pipeline().fit(texts, targets)
    asked = train.recombine(texts, 100)
    status, body = ask({"instances": [{"text": text} for text in asked]})
    assert status == 200
    expected = estimator.predict_proba(asked)
    labels = [train.LABELS[place] for place in expected.argmax(axis=1)]
    assert [prediction["label"] for prediction in body["predictions"]] == labels
    given_probabilities = [prediction["probability"] for prediction in body["predictions"]]
    assert np.allclose(given_probabilities, expected.max(axis=1), rtol=0, atol=1e-5)


def test_capitals_spaces_and_single_jamo_change_nothing(ask: Ask) -> None:
    english, korean = "The staff were lovely and so helpful!", "직원분들이 친절해서 좋았어요!"
    variants = [english, english.upper(), f"\t{english.replace(' ', '   ')}\n"]
    assert len({str(ask({"text": text})) for text in variants}) == 1
    assert ask({"text": korean}) == ask({"text": unicodedata.normalize("NFD", korean)})


@pytest.mark.parametrize("text", [" ", "…", "😀", "漢字 かな", "\x00", "a", "가" * 10_000])
def test_a_text_that_says_nothing_known_is_answered_all_the_same(text: str, ask: Ask) -> None:
    status, prediction = ask({"text": text})
    assert status == 200
    assert prediction["label"] in {"negative", "positive"}
    assert 0.5 <= prediction["probability"] <= 1


@pytest.mark.parametrize("body", [{"text": ""}, {"text": "a" * 10_001}, {"text": 3}, {}, {"text": "a", "stars": 5}])
def test_what_is_no_review_is_refused(body: dict[str, Any], ask: Ask) -> None:
    assert ask(body)[0] == 422


def test_two_thousand_reviews_are_answered_at_once_and_more_are_sent_back(ask: Ask) -> None:
    assert len(ask({"instances": [{"text": "정말 좋아요"}] * 2_000})[1]["predictions"]) == 2_000
    assert ask({"instances": [{"text": "정말 좋아요"}] * 2_001})[0] == 413


def test_the_contract_needs_no_pydantic(function: Function) -> None:
    from modelet.bundle import Bundle

    assert None not in Bundle.read(function.bundle_path, function.folder).contract.values()


def test_the_version_has_the_graph_and_the_names_of_its_classes(manifest: Manifest, published: Project) -> None:
    assert [file.path for file in manifest.files] == ["labels.json", "model.onnx"]
    labels = manifest.file("labels.json")
    stored = Store(published.store_url(None)).fetch(
        f"sentiment/{manifest.version}/labels.json", labels.bytes, labels.sha256
    )
    assert b'"0": "negative"' in stored
