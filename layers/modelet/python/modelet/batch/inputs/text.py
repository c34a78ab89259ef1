"""Text files of rows: their lines, and the places where one row ends and the next one begins.

A line break inside quotes ends no row of a CSV file. Whether a break is inside quotes depends on all quotes before it,
so one pass over the file keeps the parity of their number: an escaped quote is two and keeps it.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from modelet.batch.chunk import Chunk
    from modelet.store.objects import Objects

MOST_ROW_BYTES = 64 * 1024 * 1024
"""The largest row; a larger one is no row of a table, or a quote is missing."""
BLOCK = 4 * 1024 * 1024
GZIP = 31
"""zlib's number for a gzip stream."""
BOM = b"\xef\xbb\xbf"
NEWLINE, RETURN, QUOTE, COMMA = b'\n\r",'
BEFORE_QUOTE = frozenset((COMMA, NEWLINE, RETURN, QUOTE))
"""What stands before an opening quote; behind anything else a quote is part of an unquoted cell."""


class Ends(NamedTuple):
    """The ends of rows in a block. places: the offset behind each row, from the start of the file. rows: whether the
    line has a row; an empty line has none."""

    places: NDArray[np.int64]
    rows: NDArray[np.bool_]


class StrayQuoteError(Exception):
    """A quote inside an unquoted cell: the parity of quotes says nothing about this file."""


def row_ends(blocks: Iterable[bytes], start: int, url: str, *, quoted: bool) -> Iterator[Ends]:
    """Return the ends of the rows, block by block; the last one may have no line break.

    start: the offset of the first block. quoted: whether quotes enclose line breaks, as in CSV. Raises InputError for a
    row above 64 MB and for NUL bytes, StrayQuoteError for a quote inside an unquoted cell.
    """
    offset, begun, quotes, before = start, start, 0, NEWLINE
    for block in blocks:
        data = np.frombuffer(block, np.uint8)
        if b"\0" in block:
            raise InputError(f"{url} has NUL bytes: it is no text file; set `format`, or correct `inputs`")
        ends = np.flatnonzero(data == NEWLINE)
        if quoted and (quotes & 1 or b'"' in block):
            places = np.flatnonzero(data == QUOTE)
            _check_opening(data, places, quotes, before)
            ends = ends[(quotes + np.searchsorted(places, ends)) & 1 == 0]
            quotes += len(places)
        if len(ends):
            lengths = np.diff(ends + offset, prepend=begun - 1) - 1
            previous = data[np.maximum(ends - 1, 0)]
            if ends[0] == 0:
                previous[0] = before
            is_empty = (lengths == 0) | ((lengths == 1) & (previous == RETURN))
            yield Ends(ends + offset + 1, ~is_empty)
            begun = int(ends[-1]) + offset + 1
        offset += len(block)
        before = int(data[-1]) if len(data) else before
        if offset - begun > MOST_ROW_BYTES:
            raise InputError(
                f"the row of {url} that begins at byte {begun} has more than {MOST_ROW_BYTES} bytes: "
                + ("is a closing quote missing?" if quotes & 1 else "is it a table with one row a line?")
            )
    if quoted and quotes & 1:
        raise InputError(f"a quote of {url} that opens at or after byte {begun} is never closed: correct the file")
    if offset > begun:
        yield Ends(np.array([offset], np.int64), np.array([before != RETURN or offset - begun > 1]))


def _check_opening(data: NDArray[np.uint8], places: NDArray[np.int64], quotes: int, before: int) -> None:
    """Raise StrayQuoteError if an opening quote stands in the middle of a cell."""
    opening = places[quotes & 1 :: 2]
    if not len(opening):
        return
    previous = data[np.maximum(opening - 1, 0)]
    if opening[0] == 0:
        previous = previous.copy()
        previous[0] = before
    if not np.isin(previous, list(BEFORE_QUOTE)).all():
        raise StrayQuoteError


def blocks_of(chunk: Chunk, objects: Objects) -> Iterator[bytes]:
    """Return the bytes of a chunk in blocks, decompressed. Raises InputError for a broken gzip file."""
    from modelet.store.objects import Found  # noqa: PLC0415 - the type is all that the others need

    stream = objects.stream(Found(chunk.url, chunk.size, chunk.etag), chunk.start, chunk.end)
    return unzipped(stream, chunk.url) if chunk.gzip else stream


def unzipped(blocks: Iterable[bytes], url: str) -> Iterator[bytes]:
    """Decompress a gzip file, which may have several members, in blocks of bounded size. Raises InputError."""
    member = zlib.decompressobj(GZIP)
    is_begun = False
    try:
        for block in blocks:
            left = block
            while left:
                if member.eof:
                    member, is_begun = zlib.decompressobj(GZIP), False
                is_begun = True
                yield member.decompress(left, BLOCK)
                left = member.unused_data if member.eof else member.unconsumed_tail
        if is_begun and not member.eof:
            raise InputError(f"{url} ends in the middle of its compressed data: write it again")
    except zlib.error:
        raise InputError(f"{url} is no gzip file, or is damaged: correct its name or its contents") from None


def lines_of(blocks: Iterable[bytes], url: str) -> Iterator[bytes]:
    """Return the lines of a file with their line breaks. Raises InputError for lines above 64 MB, and NUL bytes."""
    parts: list[bytes] = []
    size = 0
    for block in blocks:
        if b"\0" in block:
            raise InputError(f"{url} has NUL bytes: it is no text file; set `format`, or correct `inputs`")
        found = block.splitlines(keepends=True) if b"\r" not in block else _split(block)
        for line in found:
            if line.endswith(b"\n"):
                yield b"".join((*parts, line)) if parts else line
                parts, size = [], 0
            else:
                parts.append(line)
                size += len(line)
        if size > MOST_ROW_BYTES:
            raise InputError(
                f"a line of {url} has more than {MOST_ROW_BYTES} bytes: is it a table with one row a line?"
            )
    if parts:
        yield b"".join(parts)


def _split(block: bytes) -> list[bytes]:
    """Split at newlines only: bytes.splitlines would also split at carriage returns."""
    lines = block.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])
