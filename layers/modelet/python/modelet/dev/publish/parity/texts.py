"""Generated texts that requests may contain but examples do not."""

from __future__ import annotations

import random
from itertools import cycle, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONG = 10_000
"""The length of a long text, in characters."""

SPACES = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2003\u2009\u2028\u2029\u202f\u205f\u3000"
"""White space in Python's `re`; Korean and Japanese keyboards type the last one."""

UNSEEN = (
    "",
    "unseen",
    "Unseen Words HERE",
    "처음 보는 낱말",
    "한글",
    "漢字 かな カナ",
    "Привет мир",
    "naïve café ñandú",
    "e\u0301le\u0300ve",
    "😀 👍🏽 👩‍👩‍👧",
    "12345 3.14 -7",
    "１２３ ٣٤٥ ४५६ ² ½ Ⅷ ㊿ 〇",  # noqa: RUF001 - they are meant
    "İstanbul ıIiİ ǅ ß ẞ ﬁn ﬄ ſ K Å",  # noqa: RUF001 - they are meant
    "zero\u200bwidth no\u200cjoin wo\u200drd \u2060 \ufeff \xad",
    "नमस्ते สวัสดี שָׁלוֹם مُحَمَّد",
    "𝐛𝐨𝐥𝐝 𐐷 𠮷野家",  # noqa: RUF001 - they are meant
    "ᄀ\u1161\u11a8 각 ㄱㅏㄱ",
    "!!! ??? ...",
    "a",
    "under_score hy-phen it's",
    "<b>tag</b> &amp; http://example.com/?q=1",
    "nul\x00nul",
)
"""Texts in other scripts and of other kinds."""

JOINTS = (
    *("é", "은", "가", "字", "ß", "İ", "ﬁ", "𝐛", "ª", "_", "-", "'", ".", "1", "２", "٣", "²", "Ⅷ", "😀", "€"),  # noqa: RUF001 - they are meant
    *("\u200b", "\u200d", "\u0301", "\u0e31", "\u0903", "\xad", "\ufeff"),
)
"""Joints that turn known words into unknown ones, like a Korean particle after an English word.

They are letters, digits, marks and other characters; Python's `\\w` and other engines disagree about some of them.
"""

MIXED = 40
"""How many shuffled texts are made."""


def are_collapsed(texts: Iterable[str]) -> bool:
    """Return whether no text has white space at an end, in runs, or other than a space."""
    return all(text == " ".join(text.split()) for text in texts)


def texts_like(examples: Sequence[str], *, keeps_spaces: bool) -> list[str]:
    """Return unseen, empty and long texts, known words in other contexts and, if `keeps_spaces`, odd white space."""
    chance = random.Random(0)  # noqa: S311 - the same texts on every run
    words = sorted({word for text in examples[:2000] for word in text.split()}) or ["word"]
    chosen = words if len(words) <= MIXED else chance.sample(words, MIXED)
    texts = [text if keeps_spaces else " ".join(text.split()) for text in UNSEEN]
    joined = list(islice(zip(cycle(JOINTS), cycle(chosen), cycle(reversed(chosen)), strict=False), MIXED))
    texts += [f"{one}{joint}{two}" for joint, one, two in joined]
    texts += [f"{one}{joint} {joint}{two} {one}" for joint, one, two in joined]
    texts += [" ".join(chance.choices(words, k=chance.randrange(1, 30))) for _ in range(MIXED)]
    texts += [" ".join([chosen[0]] * 50), " ".join(chosen).upper(), " ".join(islice(cycle(words), LONG))[:LONG].strip()]
    if keeps_spaces:
        texts += [space.join(chosen[:6]) for space in SPACES]
        texts += [" ", "   ", f"  {chosen[0]}  {chosen[-1]} ", f"{chosen[0]}\r\n\r\n{chosen[-1]}"]
    return texts
