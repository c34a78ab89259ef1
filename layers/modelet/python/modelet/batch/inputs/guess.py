"""Guess the rows of compressed inputs, which are not counted before they are read, from the beginning of each file."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from modelet.batch.inputs.records import csv_ends, line_ends
from modelet.batch.inputs.text import GZIP
from modelet.store.errors import InputError
from modelet.store.objects import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.batch.chunk import Chunk
    from modelet.store.objects import Objects

SAMPLE = 256 * 1024
"""Bytes of a compressed file that are looked at."""
MOST_TEXT = 8 * 1024 * 1024
"""Bytes of text that are made of them."""
MOST_FILES = 20
"""Files that are looked at; the others are taken to be like them."""


def guess_rows(chunks: Sequence[Chunk], objects: Objects, *, has_header: bool) -> int:
    """Return about how many rows compressed chunks have; 0 without chunks. has_header: whether CSV files have one.

    Raises InputError for a file that is not gzip, ChangedInputError for one that changed.
    """
    looked_at = chunks[:MOST_FILES]
    rows = sum(_rows(chunk, objects, has_header=has_header) for chunk in looked_at)
    size = sum(chunk.size for chunk in looked_at)
    return round(rows * sum(chunk.size for chunk in chunks) / size) if size else 0


def _rows(chunk: Chunk, objects: Objects, *, has_header: bool) -> float:
    """Return the rows of one file, if all of it is like its beginning."""
    sample = objects.read(Found(chunk.url, chunk.size, chunk.etag), 0, SAMPLE)
    member = zlib.decompressobj(GZIP)
    try:
        text = member.decompress(sample, MOST_TEXT)
    except zlib.error as error:
        raise InputError(
            f"{chunk.url} is no gzip file, or damaged ({error}): correct its name, or write it again"
        ) from None
    used = len(sample) - len(member.unconsumed_tail) - len(member.unused_data)
    ends, _ = (csv_ends if chunk.format == "csv" else line_ends)(text)
    found = max(1, len(ends)) * chunk.size / max(1, used)
    return max(1, found - 1) if has_header and chunk.format == "csv" else found
