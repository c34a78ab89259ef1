r"""What \S means in a graph."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from modelet.dev.publish.conversion import to_graph
from modelet.dev.publish.graph import Graph
from modelet.dev.publish.rows import Rows
from modelet.dev.publish.tokens import NO_SPACE, same_tokens
from modelet.errors import ConversionError
from modelet.manifest import Column

if TYPE_CHECKING:
    from typing import Any

SPACES = [chr(code) for code in range(sys.maxunicode + 1) if re.fullmatch(r"\s", chr(code))]


def test_the_pattern_for_the_graph_is_pythons_own_on_every_character() -> None:
    ours = re.compile(NO_SPACE)
    assert [chr(code) for code in range(sys.maxunicode + 1) if not ours.fullmatch(chr(code))] == SPACES


def test_the_graph_splits_at_every_space_that_python_knows() -> None:
    estimator = make_pipeline(CountVectorizer(lowercase=False, token_pattern=r"\S+"), LogisticRegression())
    estimator.fit(["good 좋아요", "bad 나쁨"] * 5, [1, 0] * 5)
    texts = [f"good{space}좋아요" for space in SPACES] + [f"bad{space}나쁨" for space in SPACES]
    rows = Rows(texts, "text", (Column("text", "string"),))
    shares = Graph(to_graph(estimator, rows, "m"), rows.features).answer(rows.instances())["probabilities"]
    np.testing.assert_allclose(shares, estimator.predict_proba(texts), atol=1e-6)


def test_an_authors_pattern_is_his_again_after_the_conversion() -> None:
    vectorizer = CountVectorizer(lowercase=False, token_pattern=r"\S+")
    with same_tokens(vectorizer):
        assert vectorizer.token_pattern != r"\S+"
    assert vectorizer.token_pattern == r"\S+"


@pytest.mark.parametrize("given", [{}, {"analyzer": "char"}])
def test_lower_casing_in_the_graph_is_refused_with_the_remedy(given: dict[str, Any]) -> None:
    with (
        pytest.raises(ConversionError, match="lower-case in Python, and train with lowercase=False"),
        same_tokens(make_pipeline(CountVectorizer(**given), LogisticRegression())),
    ):
        pass
