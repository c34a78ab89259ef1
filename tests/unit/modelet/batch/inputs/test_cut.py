from __future__ import annotations

import csv
import gzip
import io
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelet.batch.inputs import cut as cutting
from modelet.batch.inputs.cut import CHUNK_BYTES, CHUNK_ROWS, cut
from modelet.batch.inputs.find import Input, find_inputs
from modelet.batch.inputs.read import read_pieces
from modelet.batch.request import BatchRequest
from modelet.store.errors import InputError
from modelet.store.objects import BLOCK, Found, Objects

from .conftest import Inputs, SmallBlocks


def test_chunks_are_numbered_over_all_inputs_and_name_their_bytes(inputs: Inputs) -> None:
    inputs.write("a.csv", b"id,x\r\n1,2\r\n\r\n2,3\r\n3,4")
    inputs.write("b.jsonl", b'{"id":1}\n\n{"id":2}\n')
    request = inputs.request("*", chunk_rows=2)
    chunks = list(cut(find_inputs(request, inputs.objects), request, inputs.objects, first_number=5))
    assert [(each.number, each.start, each.end, each.first_row, each.rows, each.columns) for each in chunks] == [
        (5, 6, 18, 0, 2, ("id", "x")),
        (6, 18, 21, 2, 1, ("id", "x")),
        (7, 0, 19, 0, 2, None),
    ]
    assert [each.url.rpartition("/")[2] for each in chunks] == ["a.csv", "a.csv", "b.jsonl"]


@pytest.mark.parametrize("data", [b"", b"\n\r\n", b"id,x\n", b"\xef\xbb\xbfid,x"])
def test_a_file_without_rows_has_no_chunk_or_an_empty_one(inputs: Inputs, data: bytes) -> None:
    inputs.write("x.csv", data)
    inputs.write("x.csv.gz", gzip.compress(data))
    assert inputs.chunks(inputs.request("x.csv")) == []
    assert inputs.pieces(inputs.request("x.csv.gz")) == []


def test_a_compressed_file_is_one_chunk_with_as_many_rows_as_it_has(inputs: Inputs) -> None:
    size = len(data := gzip.compress(b"id,x\n1,2\n3,4\n"))
    inputs.write("x.csv.gz", data)
    (chunk,) = inputs.chunks(inputs.request("x.csv.gz", chunk_rows=1))
    assert (chunk.start, chunk.end, chunk.rows, chunk.gzip, chunk.columns) == (0, size, None, True, ("id", "x"))


def test_a_compressed_file_that_no_worker_can_finish_is_refused(inputs: Inputs) -> None:
    found = Found("s3://b/x.csv.gz", cutting.MOST_GZIP_BYTES + 1, "1")
    with pytest.raises(
        InputError, match=r"x\.csv\.gz is a compressed file of 512 MB.*split it into files below 512 MB"
    ):
        list(cut([Input(found, "csv", True)], inputs.request("x"), Objects()))


def test_without_a_number_a_chunk_has_fifty_thousand_rows(inputs: Inputs) -> None:
    inputs.write("x.csv", b"id\n" + b"1\n" * 120_000)
    inputs.objects = Objects()
    assert [each.rows for each in inputs.chunks(inputs.request("x.csv"))] == [CHUNK_ROWS, CHUNK_ROWS, 20_000]


class Endless(Objects):
    """An object of long rows that is never in memory."""

    def read(self, found_or_url: Found | str, start: int | None = None, end: int | None = None) -> bytes:  # noqa: ARG002
        return b'{"id'

    def stream(self, found: Found, start: int, end: int, block: int = BLOCK) -> object:  # type: ignore[override]  # noqa: ARG002
        row = b'{"id":1}' + b" " * (BLOCK // 4 - 9) + b"\n"
        return (row * 4 for _ in range(start, end, BLOCK))


def test_a_chunk_of_long_rows_ends_by_its_bytes(inputs: Inputs) -> None:
    found = Found("s3://b/x.jsonl", 3 * CHUNK_BYTES, "1")
    chunks = list(cut([Input(found, "jsonl", False)], inputs.request("x"), Endless()))
    assert [(each.start, each.end, each.rows) for each in chunks] == [
        (part * CHUNK_BYTES, (part + 1) * CHUNK_BYTES, 128) for part in range(3)
    ]


def test_quoted_newlines_are_never_cut_and_each_byte_is_read_once(inputs: Inputs) -> None:
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    for number in range(3_000):
        writer.writerow([number, os.urandom(3).hex() + ('\n,"\n' * (number % 5))])
    data = target.getvalue().encode()
    inputs.write("x.csv", data)
    objects = inputs.objects = SmallBlocks(1_000)
    chunks = inputs.chunks(inputs.request("x.csv", columns=["id", "x"], chunk_rows=7))
    assert objects.bytes < len(data) + 5_000
    parts = [list(csv.reader(io.StringIO(data[each.start : each.end].decode(), newline=""))) for each in chunks]
    assert [len(part) for part in parts] == [each.rows for each in chunks]
    assert [int(row[0]) for part in parts for row in part] == list(range(3_000))
    assert chunks[-1].end == len(data)


def test_what_is_no_csv_is_named(inputs: Inputs) -> None:
    inputs.objects = Objects()
    for name, data, reason in (
        ("x.csv", b"\x89PNG\r\n\x1a\n\0\0", "is no text"),
        ("y.csv", b'id,x\n1,"2\n3,4\n', r"y\.csv: row 0 opens a quote that is never closed"),
        ("z.csv", gzip.compress(b"id"), "let its name end with .gz"),
    ):
        inputs.write(name, data)
        with pytest.raises(InputError, match=reason):
            inputs.chunks(inputs.request(name))


def test_inputs_in_s3_are_cut_and_read_as_files_are(s3_url: str) -> None:
    objects = Objects()
    rows = pa.table({"id": [str(number) for number in range(10)], "x": list(range(10))})
    pq.write_table(rows, target := io.BytesIO(), row_group_size=4)
    lines = "".join(f'{{"id": "{number}", "x": {number}}}\n' for number in range(10))
    csv_lines = "id,x\n" + "".join(f"{number},{number}\n" for number in range(10))
    for name, data in (("a.parquet", target.getvalue()), ("b.jsonl", lines.encode()), ("c.csv", csv_lines.encode())):
        objects.put(f"{s3_url}/in/{name}", data)
    objects.put(f"{s3_url}/in/d.csv.gz", gzip.compress(csv_lines.encode()))
    request = BatchRequest.from_json({"inputs": [f"{s3_url}/in/*"], "key": "id", "chunk_rows": 4})
    chunks = list(cut(find_inputs(request, objects), request, objects))
    assert [chunk.rows for chunk in chunks] == [4, 4, 2] * 3 + [None]
    keys = [key for chunk in chunks for piece in read_pieces(chunk, request, objects) for key in piece.keys]
    assert keys == [str(number) for number in range(10)] * 4
