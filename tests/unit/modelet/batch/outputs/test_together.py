"""A row that one of a chunk's outputs refuses is in none of them, and is refused once."""

from __future__ import annotations

import gzip
import json
import math
from typing import Any

import pytest

from modelet.batch.outputs.columns import Column, Columns
from modelet.batch.outputs.import_file import ImportWriter
from modelet.batch.outputs.results import ResultFile
from modelet.batch.outputs.row import Rejected, Row
from modelet.batch.outputs.together import Outputs
from modelet.batch.outputs.writer import SignedWriter
from support.dynamodb_endpoint import dynamodb
from support.kept import Kept

ITEMS, LINES = "s3://batches/items.json.gz", "s3://out/0.jsonl.gz"
TYPED = Columns("id", (), (Column("n", "integer", "n"),))
FITS = [Row("a", 0, {"n": 1}), Row("b", 6, {"n": 2})]
NO_ITEMS = [Row("", 1, {"n": 1}), Row("k" * 2_049, 2, {"n": 1}), Row("large", 3, {"n": 1, "text": "x" * 410_000})]
NO_RESULT = Row("half", 4, {"n": 1.5})
NOWHERE = Row("nan", 5, {"n": math.nan})
ROWS = [FITS[0], *NO_ITEMS, NO_RESULT, NOWHERE, FITS[1]]


def keys(data: bytes, *path: str) -> list[str]:
    found = []
    for line in gzip.decompress(data).splitlines():
        value = json.loads(line)
        for name in path:
            value = value[name]
        found.append(value)
    return found


def numbers(refused: list[Rejected]) -> list[int]:
    return sorted(each.number for each in refused)


def results(objects: Any, kind: str = "jsonl") -> ResultFile:
    return ResultFile(objects, LINES, kind, TYPED)


def test_a_row_that_the_import_refuses_is_not_in_the_result_file() -> None:
    objects = Kept()
    with results(objects) as file, ImportWriter(objects, ITEMS, "g1") as table:
        refused = Outputs(file, table).write(ROWS)
    assert numbers(refused) == [1, 2, 3, 5]
    assert keys(objects.objects[LINES], "id") == ["a", "half", "b"]
    assert sorted(keys(objects.objects[ITEMS], "Item", "id", "S")) == ["a", "b", "half"]
    assert (file.rows, table.rows) == (3, 3)


@pytest.mark.parametrize("pieces", [1, 3, 7])
def test_a_row_that_either_refuses_is_in_neither_and_is_refused_once(pieces: int) -> None:
    objects, refused = Kept(), []
    with dynamodb() as endpoint:
        with results(objects, "parquet") as file, SignedWriter(endpoint.client(), "t", "g1") as table:
            for start in range(0, len(ROWS), pieces):
                refused += Outputs(file, table).write(ROWS[start : start + pieces])
        assert set(endpoint.items) == {"a", "b"}
    assert numbers(refused) == [1, 2, 3, 4, 5]
    assert (file.rows, table.rows) == (2, 2)


def test_a_batch_with_one_output_asks_only_that_one() -> None:
    objects = Kept()
    with results(objects) as file, ImportWriter(objects, ITEMS, "g1") as table:
        assert numbers(Outputs(file, None).write(ROWS)) == [5]
        assert numbers(Outputs(None, table).write(ROWS)) == [1, 2, 3, 5]
    assert (file.rows, table.rows) == (6, 3)
