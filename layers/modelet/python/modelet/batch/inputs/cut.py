"""Cut inputs into chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.batch.chunk import Chunk
from modelet.batch.inputs.header import header_of
from modelet.batch.inputs.parquet_cut import parquet_chunks
from modelet.batch.inputs.records import csv_ends, line_ends, whole_records
from modelet.batch.inputs.text import text_blocks, text_start
from modelet.store.errors import InputError
from modelet.store.objects import Found

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelet.batch.inputs.find import Input
    from modelet.batch.request import BatchRequest
    from modelet.store.objects import Objects

CHUNK_ROWS = 50_000
"""The rows of a chunk, unless the request says another number."""
CHUNK_BYTES = 128 * 1024 * 1024
"""Bytes after which a chunk of a text ends even with fewer rows."""
MOST_GZIP_BYTES = 512 * 1024 * 1024
"""The largest compressed file: one worker reads all of it within its timeout."""
HEADER_BLOCK = 64 * 1024


def cut(inputs: Iterable[Input], request: BatchRequest, objects: Objects, *, first_number: int = 0) -> Iterator[Chunk]:
    """Yield the chunks of all inputs; no input without rows has one.

    CSV and JSON Lines are read once, in blocks, and cut after exactly as many rows as asked for, never within one:
    the quotes of CSV are counted. A compressed file is one chunk, whose rows only reading tells; of Parquet only the
    footer is read. Raises InputError, with the object and the row, for what cannot be read as its format.
    """
    number = first_number
    for each in inputs:
        chunks = parquet_chunks if each.format == "parquet" else _text_chunks
        for chunk in chunks(each, request, objects, request.chunk_rows or CHUNK_ROWS):
            yield chunk._replace(number=number)
            number += 1


def _text_chunks(one: Input, request: BatchRequest, objects: Objects, rows: int) -> Iterator[Chunk]:
    found = one.found
    if not found.size:
        return
    if one.gzip and found.size > MOST_GZIP_BYTES:
        raise InputError(
            f"{found.url} is a compressed file of {found.size >> 20} MB, which cannot be read in parts: "
            f"split it into files below {MOST_GZIP_BYTES >> 20} MB, or decompress it"
        )
    start, columns = 0 if one.gzip else text_start(found, objects), None
    if one.format == "csv":
        head = text_blocks(found, objects, start, found.size, is_gzip=one.gzip, block=HEADER_BLOCK)
        columns, length = header_of(head, request, found.url)
        start += 0 if one.gzip else length
    whole = Chunk(0, found.url, found.etag, found.size, one.format, one.gzip, start, found.size, 0, None, None, columns)
    if not one.gzip:
        yield from _cut(whole, objects, rows)
    elif columns != ():
        yield whole


def _cut(whole: Chunk, objects: Objects, most: int) -> Iterator[Chunk]:
    """Yield parts of `most` rows, the last one with fewer."""
    found = Found(whole.url, whole.size, whole.etag)
    blocks = text_blocks(found, objects, whole.start, whole.end, is_gzip=False)
    begin = place = whole.start
    first = rows = 0
    for records in whole_records(blocks, csv_ends if whole.format == "csv" else line_ends, whole.url):
        used, count = 0, len(records.ends)
        while rows + count - used >= most:
            used += most - rows
            end = place + int(records.ends[used - 1])
            yield whole._replace(start=begin, end=end, first_row=first, rows=most)
            begin, first, rows = end, first + most, 0
        rows += count - used
        place += len(records.data)
        if rows and place - begin >= CHUNK_BYTES:
            yield whole._replace(start=begin, end=place, first_row=first, rows=rows)
            begin, first, rows = place, first + rows, 0
    if rows:
        yield whole._replace(start=begin, end=place, first_row=first, rows=rows)
