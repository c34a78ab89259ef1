from __future__ import annotations

import gzip
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch.outputs.import_file import ImportWriter
from modelet.batch.outputs.row import Row
from modelet.errors import StoreError
from support.kept import Kept

URL = "s3://batches/iris/b1/import/00000003.json.gz"


def written(rows: list[Row], objects: Kept, *, pieces: int = 50, **settings: Any) -> ImportWriter:
    with ImportWriter(objects, URL, "g1", **settings) as writer:
        for start in range(0, len(rows), pieces):
            assert writer.write(rows[start : start + pieces]) == []
    return writer


def items(objects: Kept) -> list[dict[str, Any]]:
    lines = gzip.decompress(objects.objects[URL]).splitlines()
    found = [json.loads(line) for line in lines]
    assert all(set(line) == {"Item"} for line in found)
    return [line["Item"] for line in found]


def test_every_row_is_a_line_of_dynamodb_json() -> None:
    objects = Kept()
    writer = written([Row("a\nb", 0, {"p": 0.1}, {"x": "é"})], objects, expires_at=1_900_000_000)
    assert items(objects) == [
        {
            "id": {"S": "a\nb"},
            "generation": {"S": "g1"},
            "source": {"S": "batch"},
            "expires_at": {"N": "1900000000"},
            "prediction": {"S": '{"p":0.1}'},
            "passed": {"S": '{"x":"é"}'},
        }
    ]
    assert writer.rows == 1


@given(
    keys=st.lists(st.integers(0, 30), max_size=120),
    block_rows=st.integers(1, 50),
    pieces=st.integers(1, 60),
)
def test_every_row_is_written_once(keys: list[int], block_rows: int, pieces: int) -> None:
    rows = [Row(f"k{key}", number, number) for number, key in enumerate(keys)]
    objects = Kept()
    writer = written(rows, objects, pieces=pieces, block_rows=block_rows)
    found = items(objects) if rows else []
    lines = sorted((item["id"]["S"], int(item["prediction"]["S"])) for item in found)
    assert lines == sorted((row.key, row.number) for row in rows)
    assert writer.rows == len(rows)


def test_sorted_keys_are_shuffled_and_equal_rows_give_equal_bytes() -> None:
    rows = [Row(f"k{number:06d}", number, number) for number in range(5_000)]
    first, second = Kept(), Kept()
    written(rows, first, pieces=2_000)
    written(rows, second, pieces=300)
    assert first.objects == second.objects
    places = [int(item["prediction"]["S"]) for item in items(first)]
    assert sorted(places) == list(range(5_000))
    assert sum(abs(place - index) for index, place in enumerate(places)) > 5_000 * 5_000 / 4


def test_rows_that_cannot_be_items_are_returned_and_left_out() -> None:
    objects = Kept()
    with ImportWriter(objects, URL, "g1") as writer:
        found = writer.write([Row("a", 0, float("nan")), Row("b", 1, 1), Row("", 2, 1), Row("c", 3, "x" * 500_000)])
    assert [(each.number, each.rule) for each in found] == [(0, "finite_number"), (2, "key"), (3, "item_size")]
    assert [item["id"]["S"] for item in items(objects)] == ["b"]
    assert writer.rows == 1


def test_a_chunk_without_items_puts_nothing() -> None:
    objects = Kept()
    written([], objects)
    assert objects.puts == 0


def test_a_block_that_raises_puts_nothing() -> None:
    objects = Kept()

    def fail() -> None:
        with ImportWriter(objects, URL, "g1") as writer:
            writer.write([Row("a", 0, 1)])
            raise KeyError("the model")

    with pytest.raises(KeyError):
        fail()
    assert objects.puts == 0


def test_an_object_that_cannot_be_put_is_an_error() -> None:
    with pytest.raises(StoreError, match="slow down"):
        written([Row("a", 0, 1)], Kept(StoreError("slow down")))


def test_memory_does_not_grow_with_the_size_of_predictions() -> None:
    peaks = []
    for count in (2_000, 8_000):
        with ImportWriter(Kept(), URL, "g1") as writer:
            tracemalloc.start()
            for number in range(count):
                writer.write([Row(f"k{number}", number, f"{number:0500d}" * 20)])
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + 4_000_000
