"""What a terminal is shown obeys nothing that a store or an answer says."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.cli.printing import on_one_line, printable, printable_json

ANY_TEXT = st.text(st.characters(codec=None))
"""Lone surrogates too, which JSON can hold and no terminal can show."""


def obeyed(text: str) -> set[str]:
    """The characters that a terminal would obey, or cannot show."""
    return {one for one in text if unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} or one in "\u202e\u2066\u200f"}


@given(ANY_TEXT)
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    assert obeyed(printable(text)) <= {"\n", "\t"}
    assert obeyed(on_one_line(text)) == set()
    printable(text).encode()


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_letters_of_every_language_stay_as_they_are(text: str) -> None:
    assert printable(text) == on_one_line(text) == text


def test_an_emoji_of_several_people_stays_one() -> None:
    assert printable("👨‍👩‍👧 좋아요\n") == "👨‍👩‍👧 좋아요\n"
    assert on_one_line("a\tb\n\x1b[31m") == r"a\tb\n\x1b[31m"


@given(
    st.recursive(ANY_TEXT | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner))
)
def test_a_json_document_keeps_its_value(value: object) -> None:
    text = printable_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert obeyed(text) <= {"\n"}
    assert json.loads(text) == value
