"""What an error says is one short line, whatever it speaks of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.project.messages import SHOWN, nearest, quoted

ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.tuples(inner)
)


@pytest.mark.parametrize(
    ("word", "near"), [("publsih", "publish"), ("PUSH", "push"), ("max-concurrency", "max_concurrency"), ("zzz", None)]
)
def test_the_nearest_word_is_found_whatever_its_case_and_hyphens(word: str, near: str | None) -> None:
    assert nearest(word, ["publish", "push", "max_concurrency"]) == near


@given(st.text())
def test_nothing_is_near_where_nothing_is_known(word: str) -> None:
    assert nearest(word, []) is None


@given(ANY)
def test_a_value_is_shown_on_one_short_line(value: object) -> None:
    shown = quoted(value)
    assert len(shown.splitlines()) == 1
    assert len(shown) <= SHOWN


@pytest.mark.parametrize(("value", "shown"), [(True, "true"), (None, "nothing"), ([1], "a list"), ({}, "a mapping")])
def test_a_value_is_shown_in_the_words_of_yaml(value: object, shown: str) -> None:
    assert quoted(value) == shown
