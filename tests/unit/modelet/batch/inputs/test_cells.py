from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch.inputs.cells import cells_of, table_of
from modelet.batch.inputs.records import csv_ends, whole_records
from modelet.store.errors import InputError


@given(st.text('",\r\nab'), st.integers(1, 4))
def test_where_arrow_reads_a_text_it_reads_what_csv_reads(text: str, width: int) -> None:
    try:
        (records,) = whole_records(iter([text.encode() + b"\n"]), csv_ends, "s3://b/x")
    except (InputError, ValueError):
        return
    table = table_of(records, [str(place) for place in range(width)])
    if table is None:
        return
    spans = zip(records.starts.tolist(), records.ends.tolist(), strict=True)
    expected = [[cell or None for cell in cells_of(records.data[start:end])] for start, end in spans]
    assert [list(row.values()) for row in table.to_pylist()] == expected


@given(st.lists(st.lists(st.text('",\nabä🙂 0'), min_size=2, max_size=2), min_size=1))
def test_arrow_reads_all_that_is_well_written(rows: list[list[str]]) -> None:
    lines = (",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    (records,) = whole_records(iter([("\n".join(lines) + "\n").encode()]), csv_ends, "s3://b/x")
    table = table_of(records, ["a", "b"])
    assert table is not None
    assert [list(row.values()) for row in table.to_pylist()] == [[cell or None for cell in row] for row in rows]


def test_a_large_cell_is_read() -> None:
    assert cells_of(b"a," + b"x" * 1_000_000) == ["a", "x" * 1_000_000]


@pytest.mark.parametrize(
    ("row", "reason"),
    [(b"a\xff,1", "is not UTF-8: save the file as UTF-8"), (b"a\rb,1", "has a carriage return alone")],
)
def test_a_row_that_is_no_csv_says_why(row: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        cells_of(row)
