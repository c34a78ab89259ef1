"""Extractive question answering."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelet.backends.texts.answering import Answer, Question, QuestionAnsweringModel
from modelet.errors import ArtifactError
from support.texts import scores, span_graph, text_artifacts, token_graph

TABLE = scores(("start", "end"), {"서울": "start", "은행": "end"}) * 10
TABLE[TABLE == 20] = 0


@pytest.fixture
def model(tmp_path: Path) -> Any:
    found = QuestionAnsweringModel[Question, Answer]()
    found.load(text_artifacts(tmp_path, span_graph(TABLE), (), task="question-answering", length=16))
    return found


def answer(model: Any, question: str, context: str) -> Any:
    instances = [{"question": question, "context": context}]
    [found] = model.postprocess(model.infer(model.preprocess(instances)), instances)
    return found


def test_the_answer_is_the_most_likely_part_of_the_context(model: Any) -> None:
    found = answer(model, "where", "오늘 서울 은행 갑니다")
    assert found["probability"] > 0.99
    assert {**found, "probability": 1} == {"answer": "서울 은행", "start": 3, "end": 8, "probability": 1}


def test_it_is_never_in_the_question(model: Any) -> None:
    assert answer(model, "서울 은행", "오늘 갑니다")["answer"] in {"오늘", "갑니다", "오늘 갑니다"}


def test_a_long_context_is_searched_whole(model: Any) -> None:
    context = "오늘 " * 500 + "서울 은행 " + "오늘 " * 300
    found = answer(model, "where", context)
    assert (found["answer"], found["start"]) == ("서울 은행", 1_500)


def test_an_answer_has_at_most_thirty_tokens(model: Any) -> None:
    found = answer(model, "where", "서울 " + "오늘 " * 40 + "은행")
    assert len(found["answer"].split()) <= 30


@pytest.mark.parametrize("context", ["", " ", "\0"])
def test_an_empty_context_has_no_answer(model: Any, context: str) -> None:
    assert answer(model, "where", context) == {"answer": "", "start": 0, "end": 0, "probability": 0.0}


def test_a_graph_of_another_task_is_refused(tmp_path: Path) -> None:
    graph = token_graph(TABLE)
    with pytest.raises(ArtifactError, match="no output start_logits: export a question answering model"):
        QuestionAnsweringModel[Question, Answer]().load(text_artifacts(tmp_path, graph, (), task="question-answering"))
