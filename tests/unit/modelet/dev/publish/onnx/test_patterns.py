"""Patterns that take the same tokens in RE2 as in Python."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelet.dev.publish.onnx.characters import EVERY
from modelet.dev.publish.onnx.patterns import PatternError, translated
from support.re2 import Tokenizer

CHARACTERS = EVERY[:0xD800] + EVERY[0xE000:]
"""All that a text may hold: surrogates are no characters."""

CLASSES = [
    r"\w",
    r"\W",
    r"\d",
    r"\D",
    r"\s",
    r"\S",
    r"[^\W_]",
    r"[^\d\s]",
    "(?i)[a-k]",
    "(?i)[^é]",
    r"(?a:\w)",
    "(?s).",
]
PATTERNS = [
    r"(?u)\b\w\w+\b",
    r"\b\w+\b",
    r"(\w+)",
    r"\w{3,}",
    r"[^\W\d_]+",
    r"\S\S+",
    r"(?i)[a-z]+",
    r"(?i:K)å+",
    r"\w+(?:[-'’]\w+)*",
    r"\w+|[^\w\s]",
    r"[a-z]+|\d+",
    r"[가-힣]{2,}",
    r"(?x) [a-z]+  # words",
    r"(?a)\b\w\w+\b",
    r'"[^"]*?"',
    "ab|a",
]
TEXTS = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        st.text("abKkå Å1２٣é\u0301ß_-'’\"İıſ\u212aﬁ²Ⅷ\u200d한글가\n\u3000", max_size=20),  # noqa: RUF001 - they are meant
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("name", CLASSES)
def test_a_set_holds_the_same_of_all_characters_in_the_graph_as_in_python(name: str) -> None:
    pattern = f"(?:{name})+" if not name.startswith("(?i)") and name != "(?s)." else f"{name}+"
    assert Tokenizer(translated(pattern).text).split([CHARACTERS]) == [re.findall(pattern, CHARACTERS)]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_that_people_use_takes_the_same_tokens_of_every_text(pattern: str) -> None:
    tokenizer = Tokenizer(translated(pattern).text)

    @settings(max_examples=25, deadline=None)
    @given(TEXTS)
    def same(texts: list[str]) -> None:
        assert tokenizer.split(texts) == [re.findall(pattern, text) for text in texts]

    same()


@pytest.mark.parametrize("pattern", [r"\b[a-z]{3,}\b", r"(?i)\b[a-zé]+\b", r"\b\w{1,3}\b", r"\b(?:ab|\d+)\b"])
def test_a_part_of_words_between_boundaries_takes_whole_words_of_which_some_are_its_own(pattern: str) -> None:
    expression = translated(pattern)
    assert expression.is_whole
    tokenizer, own = Tokenizer(expression.text), re.compile(pattern)

    @settings(max_examples=25, deadline=None)
    @given(TEXTS)
    def same(texts: list[str]) -> None:
        taken = [[token for token in tokens if own.fullmatch(token)] for tokens in tokenizer.split(texts)]
        assert taken == [own.findall(text) for text in texts]

    same()


def grown(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Patterns made of patterns."""
    repeats = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "+?", "??", "{1,2}?"])
    return st.one_of(
        st.lists(parts, min_size=2, max_size=3).map("".join),
        st.lists(parts, min_size=2, max_size=3).map(lambda options: f"(?:{'|'.join(options)})"),
        st.tuples(parts, repeats).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    )


ANY = st.recursive(st.sampled_from(["a", "b", "é", "[ab]", "[^a]", r"\w", r"\d", r"\s", "."]), grown, max_leaves=6)
FLAGS = st.sampled_from(["", "(?i)", "(?s)", "(?a)"])
BOUNDARY = st.sampled_from(["", "", "", r"\b"])


@settings(max_examples=60, deadline=None)
@given(FLAGS, BOUNDARY, ANY, BOUNDARY, st.lists(st.text("abéAB1٣ _\n", max_size=12), min_size=5, max_size=20))
def test_any_pattern_is_translated_exactly_or_refused(
    flags: str, before: str, pattern: str, behind: str, texts: list[str]
) -> None:
    pattern = f"{flags}{before}{pattern}{behind}"
    try:
        expression = translated(pattern)
    except PatternError:
        assume(False)
    own = re.compile(pattern)
    taken = Tokenizer(expression.text).split(texts)
    if expression.is_whole:
        taken = [[token for token in tokens if own.fullmatch(token)] for tokens in taken]
    assert taken == [own.findall(text) for text in texts]


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a|ab", "Python takes the first match, which is not always the longest"),
        (r"\w\w+?", "Python takes the first match"),
        ("a?(?:ab)?c?|b", "it matches the empty text"),
        (r"\w*", "it matches the empty text"),
        ("(?:a*)+b", "it repeats a part that may be empty"),
        (r"(?<=#)\w+", "it looks ahead or behind"),
        (r"\w+(?!#)", "it looks ahead or behind"),
        (r"(?P<one>\w)(?P=one)", "it has a capturing group"),
        (r"#(\w+)", "it has a capturing group"),
        (r"^\w+", "it has an anchor"),
        (r"\w+\B", "it has an anchor"),
        (r"a\bb", "it has an anchor"),
        (r"\b#\w+", r"it has \b next to a character that is not a word character"),
        (r"\b[a-z]+", r"it has \b at only one end of a part of a word"),
        (r"\w{1,1001}", "it is too complicated"),
        ("[", "it is not valid in Python"),
    ],
)
def test_what_has_no_equal_is_refused_with_the_reason(pattern: str, why: str) -> None:
    with pytest.raises(PatternError, match=re.escape(why)):
        translated(pattern)


@pytest.mark.parametrize(("pattern", "why"), [(r"\d++", "a possessive repeat"), (r"(?>a+)b", "an atomic group")])
def test_what_takes_nothing_back_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(PatternError, match=re.escape(why)):
        translated(pattern)
