"""Parse the rows of a body with very many lists and objects one piece at a time.

Parsed at once, they would take up to fifty times the memory of their text. Used for rejections and unusual bodies only.
"""

from __future__ import annotations

import gc
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from modelet.contract.schema import from_json

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY = 400_000
"""The most lists and objects in a body that is parsed at once: each takes up to 300 bytes."""
PIECE = 16_384
"""Bytes of a piece, unless a row is longer."""
GROWTH = 8
"""The factor by which a piece grows if it ends inside a row."""
OPENING = re.compile(rb'[ \t\r\n]*\{[ \t\r\n]*"instances"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*')
"""The start of a body whose first member is the list of its rows, up to the first row."""
NEXT = {first: re.compile(rb",(?=[ \t\r\n]*%b)" % re.escape(first)) for first in (b"{", b"[")}
"""The comma before a row that is an object or a list, by the first byte of the row."""
ANY_NEXT = re.compile(b",")
BLANK = bytes(byte if byte == ord("\n") else ord(" ") for byte in range(256))
"""The table that replaces each byte by a space, except newlines: errors keep their line and column."""


class Pieces:
    """The rows of `{"instances": [...]}`: valid JSON, of which only one piece is parsed at a time."""

    def __init__(self, text: bytes, ends: list[tuple[int, int, int]], rest: list[Any]) -> None:
        self._text = text
        self._pieces = ends
        self._rest = rest

    def __len__(self) -> int:
        return sum(count for _, _, count in self._pieces) + len(self._rest)

    def __iter__(self) -> Iterator[Any]:
        for rows, _ in self.parts(0):
            yield from rows

    def parts(self, first: int) -> Iterator[tuple[list[Any], int]]:
        """Yield the rows from `first` on in parts, each with an upper bound of its size in bytes."""
        for start, end, count in self._pieces:
            if first < count:
                yield from_json(b"[%b]" % self._text[start:end])[first:], end - start
            first = max(0, first - count)
        last = self._pieces[-1][1] if self._pieces else 0
        if first < len(self._rest):
            yield self._rest[first:], len(self._text) - last


def parsed(text: bytes) -> tuple[Any, Pieces | None]:
    """Parse a body; return its rows separately if it may have very many lists and objects, otherwise None.

    With Pieces, the parsed JSON has only the last rows. The body is valid if each piece is a list of rows and the rest
    is valid JSON after a placeholder row. Raises ValueError as `from_json` does.
    """
    opening = OPENING.match(text) if text.count(b"[") + text.count(b"{") > MANY else None
    if opening is None:
        return from_json(text), None
    first = start = opening.end()
    following = NEXT.get(text[first : first + 1], ANY_NEXT)
    size, pieces = PIECE, []
    while comma := following.search(text, start + size):
        end = comma.start()
        try:
            count = len(from_json(b"[%b]" % text[start:end]))
        except ValueError:  # this comma is inside a row
            size *= GROWTH
            continue
        if not count:
            break
        pieces.append((start, end, count))
        start, size = end + 1, PIECE
    if not pieces or b'"instances"' in text[start:] or b"\\u00" in text[start:]:
        return from_json(text), None
    blank = text[first + 1 : start - 1].translate(BLANK)
    document = from_json(b"%b0%b,%b" % (text[:first], blank, text[start:]))
    return document, Pieces(text, pieces, document["instances"][1:])


@contextmanager
def paused_gc() -> Iterator[None]:
    """Pause the garbage collector, which would take most of the time of parsing many lists."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
