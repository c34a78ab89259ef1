"""What is read from all chunks together is what the whole file has, however it is cut."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelet.batch.inputs.read import read_pieces
from modelet.batch.inputs.text import BOM
from modelet.store.errors import ChangedInputError
from modelet.store.objects import Objects

from .conftest import Inputs, SmallBlocks

CELLS = st.one_of(st.text("\",\n 'ab"), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
KEYS = CELLS.filter(lambda text: bool(text) and len(text.encode()) <= 2_048)
COLUMNS = ["id", "kept", "x", "y"]
ROWS = st.lists(st.tuples(KEYS, CELLS, CELLS, CELLS), max_size=12)
SEVERAL = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


def csv_text(rows: list[Any], end: str) -> str:
    """The rows as CSV, with quotes where they are needed and where a row's number says so."""
    target = io.StringIO(newline="")
    for number, row in enumerate(rows):
        needed = any(sign in cell for cell in row for sign in '",\r\n') or number % 2
        csv.writer(target, lineterminator=end, quoting=csv.QUOTE_ALL if needed else csv.QUOTE_MINIMAL).writerow(row)
    return target.getvalue()


@SEVERAL
@given(
    rows=ROWS,
    has_header=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    is_ended=st.booleans(),
    is_gzip=st.booleans(),
    has_mark=st.booleans(),
    chunk_rows=st.integers(1, 6),
    piece=st.integers(1, 4),
    block=st.integers(1, 60),
)
def test_csv_is_read_as_pythons_csv_reads_it(
    *,
    inputs: Inputs,
    rows: list[tuple[str, ...]],
    has_header: bool,
    end: str,
    is_ended: bool,
    is_gzip: bool,
    has_mark: bool,
    chunk_rows: int,
    piece: int,
    block: int,
) -> None:
    text = csv_text([COLUMNS, *rows] if has_header else rows, end)
    if not is_ended:
        text = text.removesuffix(end)
    expected = list(csv.reader(io.StringIO(text, newline="")))[1 if has_header else 0 :]
    data = BOM * has_mark + text.encode()
    name = "x.csv.gz" if is_gzip else "x.csv"
    inputs.write(name, gzip.compress(data) if is_gzip else data)
    inputs.objects = SmallBlocks(block)
    header = {} if has_header else {"columns": COLUMNS}
    request = inputs.request(name, passed=["kept"], chunk_rows=chunk_rows, **header)
    read = inputs.pieces(request, rows=piece)
    assert [key for each in read for key in each.keys] == [row[0] for row in expected]
    assert [kept for each in read for kept in each.passed or []] == [{"kept": row[1] or None} for row in expected]
    values = [value for each in read for value in zip(*(each.columns or {}).values(), strict=True)]
    assert values == [(row[2] or None, row[3] or None) for row in expected]
    assert all(each.failed == {} and len(each.keys) <= piece and each.rows is None for each in read)
    if not is_gzip:
        counts = [chunk.rows for chunk in inputs.chunks(request)]
        assert counts == [min(chunk_rows, len(rows) - first) for first in range(0, len(rows), chunk_rows)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | CELLS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CELLS, inner, max_size=3),
    max_leaves=5,
)


@SEVERAL
@given(
    rows=st.lists(st.tuples(KEYS | st.integers(), JSON, st.dictionaries(CELLS, JSON, max_size=3)), max_size=12),
    blank=st.lists(st.booleans(), min_size=12, max_size=12),
    is_gzip=st.booleans(),
    chunk_rows=st.integers(1, 6),
    piece=st.integers(1, 4),
    block=st.integers(1, 60),
)
def test_json_lines_are_read_as_json_and_empty_ones_have_no_number(
    *,
    inputs: Inputs,
    rows: list[tuple[Any, Any, dict[str, Any]]],
    blank: list[bool],
    is_gzip: bool,
    chunk_rows: int,
    piece: int,
    block: int,
) -> None:
    members = [{**more, "id": key, "kept": kept} for key, kept, more in rows]
    lines = [json.dumps(row, ensure_ascii=bool(place % 2)) for place, row in enumerate(members)]
    data = "".join(f"{line}\n" + "\r\n" * is_blank for line, is_blank in zip(lines, blank, strict=False)).encode()
    name = "x.jsonl.gz" if is_gzip else "x.jsonl"
    inputs.write(name, gzip.compress(data) if is_gzip else data)
    inputs.objects = SmallBlocks(block)
    read = inputs.pieces(inputs.request(name, passed=["kept"], chunk_rows=chunk_rows), rows=piece)
    assert [key for each in read for key in each.keys] == [str(row[0]) for row in rows]
    assert [kept for each in read for kept in each.passed or []] == [{"kept": row["kept"]} for row in members]
    expected = [{name: value for name, value in row.items() if name not in {"id", "kept"}} for row in members]
    assert [row for each in read for row in each.rows or []] == expected
    assert all(each.failed == {} and each.columns is None for each in read)


def test_a_row_of_csv_that_cannot_be_read_fails_alone(inputs: Inputs) -> None:
    inputs.objects = Objects()
    inputs.write("x.csv", b'id,a,b\n1,x,y\n2,x\n3,x,y,z\n4,\xe4,y\n5,"q\nr",\n6,x\ry,z\n,x,y\n7,"",\n')
    (piece,) = inputs.pieces(inputs.request("x.csv"))
    assert piece.keys == ["1", "", "", "", "5", "", "", "7"]
    assert piece.columns == {
        "a": ["x", None, None, None, "q\nr", None, "x", None],
        "b": ["y", None, None, None, None, None, "y", None],
    }
    assert piece.failed == {
        1: (None, "has 2 cells, but there are 3 columns"),
        2: (None, "has 4 cells, but there are 3 columns"),
        3: (None, "is not UTF-8: save the file as UTF-8"),
        5: (None, piece.failed[5][1]),
        6: ("id", "the key is missing or empty"),
    }
    assert piece.failed[5][1].startswith("has a carriage return alone: let lines end with a line feed")


def test_a_line_that_is_no_json_object_fails_alone(inputs: Inputs) -> None:
    inputs.objects = Objects()
    inputs.write(
        "x.jsonl", b'{"id":1}\n{"id":\n[1]\n \n{"x":NaN,"id":"n"}\n{"id":18446744073709551616}\n{"x":1}\n\xff\n'
    )
    (piece,) = inputs.pieces(inputs.request("x.jsonl"))
    assert piece.keys == ["1", "", "", "", "n", "18446744073709551616", "", ""]
    assert sorted(piece.failed) == [1, 2, 3, 6, 7]
    assert piece.failed[1][1].startswith("is no JSON: EOF while parsing")
    assert piece.failed[2] == (None, "is no JSON object")
    assert piece.failed[6] == ("id", "the key is missing or empty")
    assert piece.rows is not None
    assert str(piece.rows) == "[{}, None, None, None, {'x': nan}, {}, {'x': 1}, None]"


def test_pieces_of_a_block_are_of_equal_size(inputs: Inputs) -> None:
    inputs.write("x.csv", b"id\n" + b"".join(b"%d\n" % row for row in range(2_100)))
    inputs.objects = Objects()
    assert [len(each.keys) for each in inputs.pieces(inputs.request("x.csv"), rows=1_000)] == [700, 700, 700]


def test_an_input_that_changes_between_plan_and_read_is_refused(inputs: Inputs) -> None:
    url = inputs.write("x.csv", b"id,a\n1,2\n")
    request = inputs.request("x.csv")
    (chunk,) = inputs.chunks(request)
    inputs.write("x.csv", b"id,a\n9,9\n10,10\n")
    with pytest.raises(ChangedInputError, match=f"^{url} has changed"):
        list(read_pieces(chunk, request, inputs.objects))


@pytest.mark.parametrize(("ending", "least"), [("csv", 20_000), ("csv.gz", 180_000), ("jsonl", 20_000)])
def test_memory_does_not_grow_with_the_input(inputs: Inputs, ending: str, least: int) -> None:
    row = b'{"id":%d,"x":"' + b"y" * 80 + b'"}\n' if ending == "jsonl" else b'%d,"' + b"y" * 80 + b'"\n'
    peaks = []
    for rows in (least, 3 * least):
        data = (b"" if ending == "jsonl" else b"id,x\n") + b"".join(row % number for number in range(rows))
        inputs.write(f"x.{ending}", gzip.compress(data, 1) if ending == "csv.gz" else data)
        inputs.objects = SmallBlocks(1 << 17)
        del data
        tracemalloc.start()
        request = inputs.request(f"x.{ending}")
        count = sum(
            len(piece.keys)
            for chunk in inputs.chunks(request)
            for piece in read_pieces(chunk, request, inputs.objects, rows=2_000)
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert count == rows
    assert peaks[1] < 1.25 * peaks[0] < 32_000_000
