"""Sentence embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelet.backends.texts.embedding import Document, Embedding, SentenceEmbeddingModel
from support.texts import scores, text_artifacts, text_graph, tiny_tokenizer, token_graph

TABLE = scores(("x", "y", "z"), {"good": "y", "bad": "z"})


def loaded(folder: Path, graph: bytes) -> Any:
    model = SentenceEmbeddingModel[Document, Embedding]()
    model.load(text_artifacts(folder, graph, (), task="sentence-embedding", length=16))
    return model


def vectors(model: Any, *texts: str) -> Any:
    instances = [{"text": text} for text in texts]
    found = model.postprocess(model.infer(model.preprocess(instances)), instances)
    return np.array([each["embedding"] for each in found])


def expected(text: str) -> Any:
    mean = TABLE[tiny_tokenizer().encode(text).ids].mean(axis=0)
    return mean / np.linalg.norm(mean)


@pytest.mark.parametrize("texts", [["good"], ["good bad where", "", "bad"]])
def test_a_vector_is_the_mean_of_the_tokens_without_padding(tmp_path: Path, texts: list[str]) -> None:
    assert vectors(loaded(tmp_path, token_graph(TABLE)), *texts) == pytest.approx(
        np.array([expected(text) for text in texts]), abs=1e-6
    )


def test_a_long_text_has_a_vector_of_length_one_near_that_of_its_tokens(tmp_path: Path) -> None:
    [vector] = vectors(loaded(tmp_path, token_graph(TABLE)), "good " * 300)
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert vector @ expected("good " * 14) == pytest.approx(1, abs=1e-3)


def test_a_graph_that_gives_vectors_of_texts_is_taken_as_it_is(tmp_path: Path) -> None:
    [vector] = vectors(loaded(tmp_path, text_graph(TABLE)), "good")
    raw = TABLE[tiny_tokenizer().encode("good").ids].sum(axis=0)
    assert vector == pytest.approx(raw / np.linalg.norm(raw), abs=1e-6)
