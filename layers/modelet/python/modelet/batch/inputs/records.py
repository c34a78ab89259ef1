"""Records of a text: blocks become whole records, for the cutter and for the readers alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelet.store.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Places = NDArray[np.int64]
    """Positions in a block."""
    Ends = Callable[[bytes], tuple[Places, bool]]
    """A function that returns the positions of the newlines that end records, and whether a quote is open at the end.

    Its text begins at a record's start.
    """

LARGEST_ROW = 16 * 1024 * 1024
"""Bytes of a row; a larger one is refused, because a worker would have to hold it several times."""
_NEWLINE, _RETURN, _QUOTE, _COMMA = b'\n\r",'


class Records(NamedTuple):
    """Whole records. data: their text. starts, ends: where each one starts and ends in it; blank lines are left out."""

    data: bytes
    starts: Places
    ends: Places


def whole_records(blocks: Iterator[bytes], ends_of: Ends, url: str, first_row: int = 0) -> Iterator[Records]:
    """Yield the records of a text in the sizes of its blocks; the last one may lack its newline.

    Raises InputError with the row for one above LARGEST_ROW and for a quote that is never closed, and for NUL bytes,
    which no text has. first_row: the number of the first record, for these messages.
    """
    rest = b""
    for block in blocks:
        if b"\0" in block:
            raise InputError(f"{url} is no text, it has NUL bytes near row {first_row}: correct its ending or `format`")
        data = rest + block
        newlines, _ = ends_of(data)
        if newlines.size:
            length = int(newlines[-1]) + 1
            records = _records(data[:length], newlines)
            first_row += len(records.starts)
            yield records
            data = data[length:]
        rest = data
        if len(rest) > LARGEST_ROW:
            raise InputError(
                f"{url}: row {first_row} is larger than {LARGEST_ROW >> 20} MB: shorten it, or close its quote"
            )
    if ends_of(rest)[1]:
        raise InputError(f"{url}: row {first_row} opens a quote that is never closed: double the quotes inside cells")
    if rest.strip(b"\r"):
        yield Records(rest, np.zeros(1, np.int64), np.full(1, len(rest), np.int64))


def line_ends(text: bytes) -> tuple[Places, bool]:
    """Return the positions of all newlines: in JSON Lines each one ends a record."""
    return np.flatnonzero(np.frombuffer(text, np.uint8) == _NEWLINE), False


def csv_ends(text: bytes) -> tuple[Places, bool]:
    """Return the positions of the newlines outside quotes, and whether a quote is open at the end of the text."""
    array = np.frombuffer(text, np.uint8)
    newlines = np.flatnonzero(array == _NEWLINE)
    if b'"' not in text:
        return newlines, False
    quotes = np.flatnonzero(array == _QUOTE)
    before = array[quotes[::2] - 1]
    # A doubled quote closes and opens again. Any other quote within a cell is part of its text, as in Python's csv.
    is_regular = (before == _COMMA) | (before == _NEWLINE) | (before == _QUOTE) | (quotes[::2] == 0)
    if not is_regular.all():
        quotes = _meant(text, quotes)
    is_outside = np.searchsorted(quotes, newlines) & 1 == 0
    return newlines[is_outside], bool(len(quotes) & 1)


def _meant(text: bytes, quotes: Places) -> Places:
    """Return the quotes that open or close a cell, without those that are a part of a cell's text."""
    meant: list[int] = []
    is_inside = False
    for place in quotes.tolist():
        is_doubled = bool(meant) and meant[-1] == place - 1
        if is_inside or is_doubled or place == 0 or text[place - 1] in b",\n":
            meant.append(place)
            is_inside = not is_inside
    return np.array(meant, np.int64)


def _records(data: bytes, newlines: Places) -> Records:
    starts = np.concatenate((np.zeros(1, np.int64), newlines[:-1] + 1))
    first = np.frombuffer(data, np.uint8)[starts]
    is_row = first != _NEWLINE
    for place in np.flatnonzero(first == _RETURN).tolist():
        is_row[place] = bool(data[starts[place] : newlines[place]].strip(b"\r"))
    return Records(data, starts[is_row], newlines[is_row] + 1)
