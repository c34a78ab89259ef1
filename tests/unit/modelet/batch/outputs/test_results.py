from __future__ import annotations

import gzip
import io
import json
import math
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch.outputs.columns import PREDICTION, Column, Columns
from modelet.batch.outputs.results import GROUP_ROWS, SUFFIXES, ResultFile
from modelet.batch.outputs.row import Rejected, Row
from support.kept import Kept

COLUMNS = Columns(
    "customer",
    (Column("region", "text"),),
    (
        Column("label", "text", "label"),
        Column("p", "number", "p"),
        Column("n", "integer", "n"),
        Column("l", "json", "l"),
        Column("sure", "boolean", "sure"),
    ),
)
ROWS = [
    Row("a", 0, {"label": "yes", "p": 0.1, "n": 3, "l": [1, 0.5], "sure": True}, {"region": "é"}),
    Row("b", 1, {"label": "no", "p": 1, "n": None, "l": None}, {"region": None}),
    Row("c", 2, {"label": "no", "p": 1e-300}, {"region": 7}),
]
FORMATS = ["parquet", "jsonl"]
URL = {name: f"s3://out/scores/00000002{suffix}" for name, suffix in SUFFIXES.items()}


def written(kind: str, rows: list[Row], columns: Columns = COLUMNS) -> tuple[bytes, list[Rejected]]:
    objects = Kept()
    rejected = []
    with ResultFile(objects, URL[kind], kind, columns) as file:
        for start in range(0, len(rows), 20_000):
            rejected += file.write(rows[start : start + 20_000])
    assert file.rows == len(rows) - len(rejected)
    return objects.objects[URL[kind]], rejected


def parquet(data: bytes) -> Any:
    return pq.ParquetFile(io.BytesIO(data))


def lines(data: bytes) -> list[Any]:
    return [json.loads(line) for line in gzip.decompress(data).splitlines()]


def test_parquet_has_a_column_for_the_key_each_passed_value_and_each_field() -> None:
    data, rejected = written("parquet", ROWS)
    assert rejected == []
    assert parquet(data).read().to_pylist() == [
        {"customer": "a", "region": "é", "label": "yes", "p": 0.1, "n": 3, "l": "[1,0.5]", "sure": True},
        {"customer": "b", "region": None, "label": "no", "p": 1.0, "n": None, "l": None, "sure": None},
        {"customer": "c", "region": "7", "label": "no", "p": 1e-300, "n": None, "l": None, "sure": None},
    ]


def test_json_lines_have_the_prediction_whole() -> None:
    data, rejected = written("jsonl", ROWS)
    assert rejected == []
    assert lines(data) == [{"customer": row.key, **(row.passed or {}), PREDICTION: row.prediction} for row in ROWS]


@pytest.mark.parametrize("rows", [[], ROWS[:1], ROWS[1:2], ROWS[2:]], ids=["none", "full", "nulls", "missing"])
def test_the_schema_does_not_depend_on_the_rows(rows: list[Row]) -> None:
    data, _ = written("parquet", rows)
    assert str(parquet(data).schema_arrow) == str(parquet(written("parquet", ROWS)[0]).schema_arrow)


def test_a_chunk_without_rows_still_gives_a_readable_object() -> None:
    assert parquet(written("parquet", [])[0]).metadata.num_rows == 0
    assert lines(written("jsonl", [])[0]) == []


def test_a_prediction_that_is_no_flat_object_is_json_text() -> None:
    columns = Columns("id", (), (Column(PREDICTION, "json"),))
    data, _ = written("parquet", [Row("a", 0, [{"x": 0.1}]), Row("b", 1, None)], columns)
    assert parquet(data).read().to_pylist() == [{"id": "a", PREDICTION: '[{"x":0.1}]'}, {"id": "b", PREDICTION: None}]


@pytest.mark.parametrize(
    ("prediction", "field"),
    [
        ({"label": "yes", "p": math.nan}, "prediction.p"),
        ({"label": "yes", "p": math.inf}, "prediction.p"),
        ({"label": "yes", "l": [math.nan]}, "prediction.l.0"),
        ({"p": "high"}, "p"),
        ({"p": True}, "p"),
        ({"p": 2**53 + 1}, "p"),
        ({"n": 2**63}, "n"),
        ({"n": 1.5}, "n"),
        ({"n": True}, "n"),
        ({"sure": 1}, "sure"),
        ({"label": "\ud800"}, "label"),
        ([1], "label"),
    ],
    ids=str,
)
def test_a_row_that_does_not_fit_its_columns_is_rejected_by_name(prediction: Any, field: str) -> None:
    data, rejected = written("parquet", [ROWS[0], Row("bad", 7, prediction), ROWS[1]])
    assert [(each.number, each.key, each.field) for each in rejected] == [(7, "bad", field)]
    assert [row["customer"] for row in parquet(data).read().to_pylist()] == ["a", "b"]


def test_nan_is_rejected_from_json_lines_too() -> None:
    data, rejected = written("jsonl", [ROWS[0], Row("bad", 7, {"p": [math.nan]}), ROWS[1]])
    assert [(each.number, each.field, each.rule) for each in rejected] == [(7, "prediction.p.0", "finite_number")]
    assert len(lines(data)) == 2


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none(), max_size=30))
def test_numbers_come_back_exactly(values: list[float | None]) -> None:
    rows = [Row(str(number), number, {"p": value}) for number, value in enumerate(values)]
    assert parquet(written("parquet", rows)[0]).read()["p"].to_pylist() == values


def test_row_groups_are_bounded() -> None:
    rows = [Row(str(number), number, {"p": 0.5, "label": "no"}) for number in range(2 * GROUP_ROWS + 1)]
    metadata = parquet(written("parquet", rows)[0]).metadata
    assert metadata.num_rows == len(rows)
    assert max(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)) <= GROUP_ROWS


@pytest.mark.parametrize("kind", FORMATS)
def test_equal_rows_give_equal_bytes(kind: str) -> None:
    assert written(kind, ROWS) == written(kind, ROWS)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_block_that_raises_puts_nothing(kind: str) -> None:
    objects = Kept()

    def fail() -> None:
        with ResultFile(objects, URL[kind], kind, COLUMNS) as file:
            file.write(ROWS)
            raise KeyError("the model")

    with pytest.raises(KeyError):
        fail()
    assert objects.puts == 0
