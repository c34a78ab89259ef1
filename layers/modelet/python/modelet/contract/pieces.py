"""The rows of a body of very many lists and objects, parsed a piece at a time.

All of them at once would take up to fifty times their text. Only refusals and unusual answers come here.
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
"""Lists and objects that a body may hold to be parsed at once: each takes up to 300 bytes."""
PIECE = 16_384
"""Bytes of a piece, unless a row is longer."""
LONGER = 8
"""How much longer a piece is then tried."""
OPENING = re.compile(rb'[ \t\r\n]*\{[ \t\r\n]*"instances"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*')
"""How a body begins whose first member is the list of its rows, up to the first of them."""
NEXT = {first: re.compile(rb",(?=[ \t\r\n]*%b)" % re.escape(first)) for first in (b"{", b"[")}
"""The comma before a row that is an object or a list, by how it begins; others begin alike too."""
ANY_NEXT = re.compile(b",")
BLANK = bytes(byte if byte == ord("\n") else ord(" ") for byte in range(256))
"""Of each byte a space, but for the ends of lines: where a text is wrong is then told by the same line and column."""


class Pieces:
    """The rows of `{"instances": [...]}`: JSON that is right as a whole, of which only a piece is ever parsed."""

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
        """The rows from one on, some at a time, and the bytes that they came in at most."""
        for start, end, count in self._pieces:
            if first < count:
                yield from_json(b"[%b]" % self._text[start:end])[first:], end - start
            first = max(0, first - count)
        last = self._pieces[-1][1] if self._pieces else 0
        if first < len(self._rest):
            yield self._rest[first:], len(self._text) - last


def parsed(text: bytes) -> tuple[Any, Pieces | None]:
    """A body as parsed JSON; of one that may hold very many lists and objects, its rows apart where they can be told.

    Then the parsed JSON has the last of them only. Where a piece is a list of rows and the rest of the body is right
    after one more row, the whole is right, and has these rows. Raises ValueError as `from_json` does.
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
        except ValueError:  # this comma is inside of a row
            size *= LONGER
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
def uncollected() -> Iterator[None]:
    """Without Python's search for cycles: of many lists, which it counts and looks at, it takes most of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
