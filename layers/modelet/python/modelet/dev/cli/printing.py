"""Texts as a terminal may show them: what a store or an answer says is never obeyed."""

from __future__ import annotations

import re

# Controls but line feed and tab; what turns the direction of writing; line and paragraph separators; lone surrogates.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """A text whose control characters are written out (`\\x1b`); line feeds and tabs stay."""
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


def on_one_line(text: str) -> str:
    """The same, with line feeds and tabs written out as well."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def printable_json(text: str) -> str:
    """A JSON document with the same value, whose control characters are JSON's escapes."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
