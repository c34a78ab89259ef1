"""Generated texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.publish.parity.texts import LONG, SPACES, texts_like

EXAMPLES = ["good movie", "나쁜 영화", "so so"]


def test_texts_are_empty_long_unseen_and_known_words_in_other_surroundings() -> None:
    texts = texts_like(EXAMPLES, keeps_spaces=True)
    assert "" in texts
    assert max(map(len, texts)) > LONG / 2
    assert any("good" in text and text not in EXAMPLES for text in texts)
    assert any("漢字" in text for text in texts)
    assert all(any(space in text for text in texts) for space in SPACES)


def test_the_same_examples_give_the_same_texts() -> None:
    assert texts_like(EXAMPLES, keeps_spaces=True) == texts_like(EXAMPLES, keeps_spaces=True)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_texts_without_runs_of_space_have_none(examples: list[str]) -> None:
    collapsed = [" ".join(text.split()) for text in examples]
    assert all(text == " ".join(text.split()) for text in texts_like(collapsed, keeps_spaces=False))
