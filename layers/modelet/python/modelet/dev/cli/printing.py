"""Escape control characters, so that text from a store or a response cannot control the terminal."""

from __future__ import annotations

import re

# Control characters except line feed and tab; bidirectional controls; line and paragraph separators; lone surrogates.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Escape the control characters of a text (`\\x1b`), except line feeds and tabs."""
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


def on_one_line(text: str) -> str:
    """Escape the control characters of a text, including line feeds and tabs."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def printable_json(text: str) -> str:
    """Escape the control characters of a JSON document as JSON does; its value stays the same."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
