"""Parquet: what is read from all chunks together is what the file has."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelet.batch.inputs.parquet_file import AT_ONCE_BYTES
from modelet.batch.inputs.parquet_pieces import PIECE_BYTES
from modelet.store.errors import InputError
from modelet.store.objects import Found, Objects

from .conftest import Inputs

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def write(inputs: Inputs, table: Any, *, group: int = 1_000, **options: Any) -> None:
    pq.write_table(table, inputs.folder / "x.parquet", row_group_size=group, **options)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    rows=st.lists(st.tuples(TEXTS.filter(bool), st.none() | st.floats(width=32), TEXTS | st.none()), max_size=40),
    group=st.integers(1, 40),
    chunk_rows=st.integers(1, 12),
    piece=st.integers(1, 5),
)
def test_all_rows_come_once_in_order(
    inputs: Inputs, rows: list[tuple[str, float | None, str | None]], group: int, chunk_rows: int, piece: int
) -> None:
    keys, numbers, texts = zip(*rows, strict=True) if rows else ((), (), ())
    kinds = {"id": pa.string(), "n": pa.float32(), "t": pa.string()}
    columns = {name: pa.array(c, kinds[name]) for name, c in zip(kinds, (keys, numbers, texts), strict=True)}
    write(inputs, pa.table(columns), group=group)
    request = inputs.request("x.parquet", passed=["t"], chunk_rows=chunk_rows)
    chunks = inputs.chunks(request)
    assert sum(chunk.rows or 0 for chunk in chunks) == len(rows)
    assert all(0 < (chunk.rows or 0) <= 2 * chunk_rows for chunk in chunks)
    read = inputs.pieces(request, rows=piece)
    assert [key for each in read for key in each.keys] == list(keys)
    assert [kept for each in read for kept in each.passed or []] == [{"t": text} for text in texts]
    assert str([n for each in read for n in (each.columns or {})["n"]]) == str(list(numbers))
    assert all(len(each.keys) <= piece and each.failed == {} and each.rows is None for each in read)


def test_nested_columns_come_as_rows(inputs: Inputs) -> None:
    write(inputs, pa.table({"id": [1, 2], "tags": [["a"], None], "n": [{"x": 1}, {"x": None}]}))
    (piece,) = inputs.pieces(inputs.request("x.parquet"))
    assert piece.keys == ["1", "2"]
    assert piece.columns is None
    assert piece.rows == [{"tags": ["a"], "n": {"x": 1}}, {"tags": None, "n": {"x": None}}]


def test_a_nested_column_that_is_only_passed_leaves_the_others_columns(inputs: Inputs) -> None:
    write(inputs, pa.table({"id": ["a"], "tags": [["t"]], "n": [1]}))
    (piece,) = inputs.pieces(inputs.request("x.parquet", passed=["tags"]))
    assert piece.passed == [{"tags": ["t"]}]
    assert piece.columns == {"n": [1]}


def test_a_row_without_a_key_fails_alone(inputs: Inputs) -> None:
    write(inputs, pa.table({"id": ["a", None, ""], "n": [1, 2, 3]}))
    (piece,) = inputs.pieces(inputs.request("x.parquet"))
    assert piece.keys == ["a", "", ""]
    assert piece.failed == dict.fromkeys((1, 2), ("id", "the key is missing or empty"))


def test_pieces_of_large_rows_are_small(inputs: Inputs) -> None:
    write(inputs, pa.table({"id": list(range(40)), "t": ["x" * (PIECE_BYTES // 10) + str(n) for n in range(40)]}))
    sizes = [len(each.keys) for each in inputs.pieces(inputs.request("x.parquet"))]
    assert sum(sizes) == 40
    assert max(sizes) <= 10


class Counting(Objects):
    """Objects that note the sizes of their ranges."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def read(self, found_or_url: Found | str, start: int | None = None, end: int | None = None) -> bytes:
        data = super().read(found_or_url, start, end)
        self.sizes.append(len(data))
        return data


def test_of_a_group_larger_than_memory_only_pages_are_read(inputs: Inputs) -> None:
    import numpy as np

    rows = AT_ONCE_BYTES // 8 + 100_000
    write(inputs, pa.table({"id": np.arange(rows)}), group=rows, use_dictionary=False, compression="none")
    objects = inputs.objects = Counting()
    request = inputs.request("x.parquet", chunk_rows=1_000_000)
    (chunk, *others) = inputs.chunks(request)
    assert max(objects.sizes) < 1_000_000
    assert len(others) == 8
    from modelet.batch.inputs.read import read_pieces

    assert next(read_pieces(chunk, request, objects)).keys[:2] == ["0", "1"]
    assert sum(objects.sizes) < 10_000_000
    last = others[-1]
    assert sum(len(piece.keys) for piece in read_pieces(last, request, objects, rows=100_000)) == last.rows
    assert max(objects.sizes) < 3_000_000


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (pa.table({"x": [1]}), r"x\.parquet has no column 'id', which `key` names; it has x: correct the name"),
        (pa.table({"id": [1.5]}), "the key 'id' is of type double: write it as texts or whole numbers"),
        (pa.table({"id": [b"x"]}), "column 'id' is of type binary: write it as texts or numbers"),
        (pa.table({"id": [1], "p": [b"x"]}), "column 'p' is of type binary: write it as texts or numbers"),
        (pa.table([[1], [2]], names=["id", "id"]), "two columns are called id"),
    ],
)
def test_a_file_that_cannot_be_scored_is_refused_before_any_row(inputs: Inputs, table: Any, reason: str) -> None:
    write(inputs, table)
    passed = ["p"] if "p" in table.column_names else None
    with pytest.raises(InputError, match=reason):
        inputs.chunks(inputs.request("x.parquet", passed=passed))


TWICE = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], fields=[pa.field("x", pa.int64())] * 2)


@pytest.mark.parametrize(
    "column", [pa.array([b"x"]), pa.array([1], pa.duration("s")), TWICE], ids=lambda c: str(c.type)
)
def test_a_type_that_cannot_be_read_is_refused_only_where_it_is_needed(inputs: Inputs, column: Any) -> None:
    write(inputs, pa.table({"id": ["a"], "more": column, "n": [1]}))
    request = inputs.request("x.parquet")
    (piece,) = inputs.pieces(request, fields=frozenset({"n"}))
    assert (piece.keys, piece.columns, piece.failed) == (["a"], {"n": [1]}, {})
    for fields in (frozenset({"n", "more"}), None):
        with pytest.raises(InputError, match=r"x\.parquet: column 'more' is of type .*: write it as texts or numbers"):
            inputs.pieces(request, fields=fields)


def texts(*values: bytes) -> Any:
    """Texts whose bytes nobody checked."""
    return pa.Array.from_buffers(pa.string(), len(values), pa.array(values, pa.binary()).buffers())


def test_a_row_with_bytes_that_are_not_utf_8_fails_alone(inputs: Inputs) -> None:
    write(inputs, pa.table({"id": texts(b"\xff", b"b", b"c"), "t": texts(b"o", b"\xe4", b"p"), "n": [1, 2, 3]}))
    (piece,) = inputs.pieces(inputs.request("x.parquet"))
    assert piece.keys == ["", "b", "c"]
    assert piece.columns == {"t": ["o", None, "p"], "n": [1, 2, 3]}
    reason = "is not UTF-8: write texts as UTF-8"
    assert piece.failed == {0: ("id", reason), 1: ("t", reason)}


def test_a_row_with_a_date_beyond_the_calendar_fails_alone(inputs: Inputs) -> None:
    days = [pa.array([0, *others], pa.int32()).cast(pa.date32()) for others in ((2**30, 2, 3), (1, 2**28, 3))]
    moments = pa.array([0, 0, 0, 2**62], pa.int64()).cast(pa.timestamp("us"))
    write(inputs, pa.table({"id": days[0], "p": days[1], "m": moments}))
    (piece,) = inputs.pieces(inputs.request("x.parquet", passed=["p"]))
    assert piece.keys == ["1970-01-01", "", "1970-01-03", "1970-01-04"]
    assert [row["p"] for row in piece.passed or []] == ["1970-01-01", "1970-01-02", None, "1970-01-04"]
    assert {place: field for place, (field, _) in piece.failed.items()} == {1: "id", 2: "p", 3: "m"}
    assert all("cannot be read (" in reason for _, reason in piece.failed.values())


def test_a_row_fails_alone_among_nested_columns_too(inputs: Inputs) -> None:
    write(inputs, pa.table({"id": ["a", "b"], "tags": pa.ListArray.from_arrays([0, 1, 2], texts(b"\xff", b"o"))}))
    (piece,) = inputs.pieces(inputs.request("x.parquet"))
    assert piece.keys == ["a", "b"]
    assert (piece.rows or [])[1] == {"tags": ["o"]}
    assert piece.failed == {0: ("tags", "is not UTF-8: write texts as UTF-8")}


def test_a_column_whose_name_is_not_utf_8_is_named_with_its_file(inputs: Inputs) -> None:
    write(inputs, pa.table({"id": ["a"], "Zurich": [1]}), store_schema=False)
    data = (inputs.folder / "x.parquet").read_bytes()
    inputs.write("x.parquet", data.replace(b"Zurich", b"Z\xfcrich"))
    with pytest.raises(InputError, match=r"x\.parquet cannot be read as Parquet \([^\n]+\): "):
        inputs.chunks(inputs.request("x.parquet"))


@pytest.mark.parametrize("data", [b"", b"id,x\n1,2\n" * 3, b"PAR1" * 5])
def test_what_is_no_parquet_is_named(inputs: Inputs, data: bytes) -> None:
    inputs.write("x.parquet", data)
    with pytest.raises(InputError, match=r"x\.parquet cannot be read as Parquet \([^\n]+\): correct its name"):
        inputs.chunks(inputs.request("x.parquet"))


def test_a_damaged_group_is_named(inputs: Inputs) -> None:
    write(inputs, pa.table({"id": [str(n) * 9 for n in range(500)]}), compression="snappy")
    data = (inputs.folder / "x.parquet").read_bytes()
    inputs.write("x.parquet", data[:4] + b"\xff" * 600 + data[604:])
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        inputs.pieces(inputs.request("x.parquet"))


def test_a_file_without_rows_has_no_chunk(inputs: Inputs) -> None:
    write(inputs, pa.table({"id": pa.array([], pa.string())}))
    assert inputs.chunks(inputs.request("x.parquet")) == []
