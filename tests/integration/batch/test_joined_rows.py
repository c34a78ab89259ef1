"""A worker scores rows with features by key and with ids: in every format, into tables and into files."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow.parquet as pq
import pytest

from modelet.errors import StoreError
from modelet.features.prediction_set import Row
from support.batches import Stage, csv_text
from support.joined import Customers, Sum, customer, joined

from .test_worker import parquet

KEYS = [f"c{number}" for number in range(7)]
SET = {key: customer(age=number, spend=number / 2) for number, key in enumerate(KEYS)}


class Shaky(Customers):
    """Every third read fails, as if DynamoDB did not answer."""

    calls = 0

    def __call__(self, keys: Sequence[str]) -> dict[str, Row]:
        self.calls += 1
        if self.calls % 3 == 1:
            raise StoreError("the table did not answer")
        return super().__call__(keys)


def rows(count: int) -> list[dict[str, Any]]:
    return [
        {"id": f"r{number}", "amount": number, "customer": KEYS[number % 7], "order": f"o{number}"}
        for number in range(count)
    ]


def expected(given: list[dict[str, Any]]) -> dict[str, Any]:
    totals = {key: row.prediction["age"] + row.prediction["spend"] for key, row in SET.items()}
    return {row["id"]: {"order": row["order"], "total": row["amount"] + totals[row["customer"]]} for row in given}


def jsonl(given: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in given)


FORMATS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {"csv": csv_text, "jsonl": jsonl, "parquet": parquet}


@pytest.mark.parametrize("suffix", FORMATS)
def test_rows_of_every_format_are_joined_although_reads_fail(place: str, suffix: str) -> None:
    stage = Stage.create(joined(Sum, Shaky(SET), row_id="order"), place)
    given = rows(100)
    batch = stage.create_batch(stage.put(f"rows.{suffix}", FORMATS[suffix](given)), chunk_rows=30)
    record = stage.run(batch)
    assert (record.state, record.rows_done, record.rows_failed) == ("DONE", 100, 0), stage.errors
    assert stage.predictions(batch) == expected(given)


def test_rows_without_features_an_id_or_with_a_joined_field_are_rejected_with_reasons(place: str) -> None:
    stage = Stage.create(joined(Sum, Customers({**SET, "old": customer(age="old")}), row_id="order"), place)
    given: list[dict[str, Any]] = rows(200)
    given[3]["customer"], given[4]["customer"], given[5]["customer"] = "nobody", None, "old"
    del given[6]["order"]
    given[7]["age"] = 5
    batch = stage.create_batch(stage.put("rows.jsonl", jsonl(given)), chunk_rows=200)
    record = stage.run(batch)
    assert (record.state, record.rows_done, record.rows_failed) == ("DONE", 195, 5)
    rejected = {line["row"]: (line["field"], line["reason"]) for line in stage.rejected(batch)}
    fields = {row: field for row, (field, _) in rejected.items()}
    assert fields == {3: "customer", 4: "customer", 5: "age", 6: "order", 7: "age"}
    assert "customers has no row of this key" in rejected[3][1]
    assert "from the prediction set customers" in rejected[5][1]
    assert "remove it from the row" in rejected[7][1]


def test_every_row_of_a_piece_without_features_has_its_own_reason(place: str) -> None:
    stage = Stage.create(joined(Sum, Customers({})), place)
    batch = stage.create_batch(stage.put("rows.csv", csv_text(rows(300))), chunk_rows=300, tolerated=1)
    stage.run(batch)
    reasons = [line["reason"] for line in stage.rejected(batch)]
    assert reasons == ["The prediction set customers has no row of this key"] * 300


@pytest.mark.parametrize("results_format", ["parquet", "jsonl"])
def test_the_files_of_results_have_the_ids(place: str, results_format: str) -> None:
    stage = Stage.create(joined(Sum, Customers(SET), row_id="order"), place)
    given = rows(20)
    url = stage.put("rows.csv", csv_text(given))
    batch = stage.create_batch(url, table=False, results=f"{place}/out", results_format=results_format)
    assert stage.run(batch).state == "DONE"
    [found] = stage.worker.objects.below(f"{place}/out")
    data = stage.worker.objects.read(found)
    if results_format == "parquet":
        lines = pq.read_table(io.BytesIO(data)).to_pylist()
        written = {line["id"]: {"order": line["order"], "total": line["total"]} for line in lines}
    else:
        lines = [json.loads(line) for line in zlib.decompress(data, 31).splitlines()]
        written = {line["id"]: line["prediction"] for line in lines}
    assert written == expected(given)
