from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelet.batch.inputs.cells import cells_of
from modelet.batch.inputs.records import LARGEST_ROW, csv_ends, line_ends, whole_records
from modelet.store.errors import InputError

if TYPE_CHECKING:
    from modelet.batch.inputs.records import Ends

ENDS = [csv_ends, line_ends]


def blocks_of(text: bytes, sizes: list[int]) -> Iterator[bytes]:
    for size in sizes:
        yield text[:size]
        text = text[size:]
    yield text


def records(blocks: Iterator[bytes], ends_of: Ends) -> list[bytes]:
    return [
        each.data[start:end]
        for each in whole_records(blocks, ends_of, "s3://b/x")
        for start, end in zip(each.starts.tolist(), each.ends.tolist(), strict=True)
    ]


def as_csv_reads(text: str) -> list[list[str]]:
    """The rows that Python's csv reads, without blank lines."""
    return [row for row in csv.reader(io.StringIO(text, newline="\n")) if row]


SIZES = st.lists(st.integers(0, 20), max_size=20)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@given(text=st.text('",\nab'), sizes=SIZES)
@example(text='a"b\n"c""d"\n', sizes=[3])
@example(text='"a"b"c"\n"x\ny"\n', sizes=[1, 1, 1, 1])
@example(text='"a""\n"\n', sizes=[3])
@example(text="\n\n\na\n\n\n", sizes=[1, 2])
def test_any_text_is_cut_where_pythons_csv_ends_a_row(end: str, text: str, sizes: list[int]) -> None:
    text = text.replace("\n", end)
    is_closed = as_csv_reads(f"{text}\nZ")[-1] == ["Z"]
    if not is_closed:
        with pytest.raises(InputError, match=r"^s3://b/x: row \d+ opens a quote that is never closed"):
            records(blocks_of(text.encode(), sizes), csv_ends)
        return
    assert [cells_of(each) for each in records(blocks_of(text.encode(), sizes), csv_ends)] == as_csv_reads(text)


@given(st.lists(st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]))), SIZES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_end_at_every_newline_and_empty_ones_are_none(end: str, lines: list[str], sizes: list[int]) -> None:
    text = end.join(lines).encode()
    expected = [line.encode() for line in lines if line]
    assert [each.strip(b"\r\n") for each in records(blocks_of(text, sizes), line_ends)] == expected


def test_lines_of_nothing_but_carriage_returns_are_blank() -> None:
    assert records(iter([b"\r\r\na\r\r\n\r\n\r"]), csv_ends) == [b"a\r\r\n"]


def test_a_quote_that_only_looks_like_one_is_text() -> None:
    text = b'size,note\n5" pipe,plain\n6,"7"" pipe\nnew line"\n'
    assert [cells_of(each) for each in records(iter([text]), csv_ends)] == [
        ["size", "note"],
        ['5" pipe', "plain"],
        ["6", '7" pipe\nnew line'],
    ]


@pytest.mark.parametrize("ends_of", ENDS)
@pytest.mark.parametrize("block", [b"x" * 1_000_000, b"\n" * 1_000_000])
def test_a_row_without_end_is_refused_after_a_bounded_part(ends_of: Ends, block: bytes) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        yield b"1\n2\n" if ends_of is line_ends else b'1\n2\n"'
        while True:
            read += len(block)
            assert read < LARGEST_ROW + 2 * len(block)
            yield block if ends_of is csv_ends else block.replace(b"\n", b" ")

    with pytest.raises(InputError, match="row 2 is larger than 16 MB: shorten it, or close its quote"):
        list(whole_records(endless(), ends_of, "s3://b/x"))


@pytest.mark.parametrize("ends_of", ENDS)
def test_bytes_that_no_text_has_are_refused_with_the_row(ends_of: Ends) -> None:
    with pytest.raises(InputError, match="s3://b/x is no text, it has NUL bytes near row 12: correct its ending"):
        list(whole_records(iter([b"a\nb\n", b"c\0\n"]), ends_of, "s3://b/x", 10))
