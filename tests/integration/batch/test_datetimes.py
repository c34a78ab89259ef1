"""Inputs of batches with datetimes: texts of CSV and timestamps of Parquet are scored as requests are."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typing_extensions import TypedDict

from modelet.backends.moments import Moments
from modelet.dev.bundle.moments import AWARE_DATETIME, DATE, NAIVE_DATETIME
from modelet.model import Model
from support.batches import Stage, csv_text
from support.services import service

COLUMN = Moments(np.dtype("datetime64[s]"), nullable=True)
ZONED = Moments(pd.DatetimeTZDtype("us", "Asia/Seoul"), nullable=True)


class Row(TypedDict):
    seen: NAIVE_DATETIME | None
    sent: AWARE_DATETIME
    day: DATE


class Answer(TypedDict):
    shown: str


class Shows(Model[Row, Answer]):
    """Answers what its columns hold."""

    def infer(self, inputs: list[Row]) -> list[Answer]:
        seen = COLUMN.array([row["seen"] for row in inputs])
        sent = ZONED.array([row["sent"] for row in inputs])
        days = [row["day"] for row in inputs]
        return [{"shown": f"{one}, {other}, {day}"} for one, other, day in zip(seen, sent, days, strict=True)]


ROWS: list[dict[str, Any]] = [
    {"id": "a", "seen": "2026-01-31T09:30:00", "sent": "2026-01-31T09:30:00.5Z", "day": "2026-01-31"},
    {"id": "b", "seen": "2026-01-31", "sent": "2026-01-31T09:30:00+09:00", "day": "2026-02-28"},
    {"id": "c", "seen": "2026-02-30T09:30:00", "sent": "2026-01-31T09:30:00Z", "day": "2026-01-31"},
]
SHOWN = {
    "a": "2026-01-31 09:30:00, 2026-01-31 18:30:00.500000+09:00, 2026-01-31",
    "b": "2026-01-31 00:00:00, 2026-01-31 09:30:00+09:00, 2026-02-28",
}


def parquet(rows: list[dict[str, Any]]) -> bytes:
    """Rows with timestamps as a Parquet file."""
    columns = {
        "id": pa.array([row["id"] for row in rows]),
        "seen": pa.array([pd.Timestamp(row["seen"]).to_pydatetime() for row in rows], pa.timestamp("ns")),
        "sent": pa.array([pd.Timestamp(row["sent"]).to_pydatetime() for row in rows], pa.timestamp("us", "Asia/Seoul")),
        "day": pa.array([date.fromisoformat(row["day"]) for row in rows], pa.date32()),
    }
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


@pytest.fixture
def stage(place: str) -> Stage:
    return Stage.create(service(Shows), place)


def shown(stage: Stage, batch: Any) -> dict[str, str]:
    return {key: one["shown"] for key, one in stage.predictions(batch).items()}


def test_cells_of_csv_are_iso_texts_and_a_wrong_one_is_rejected_with_its_field(stage: Stage) -> None:
    batch = stage.create_batch(stage.put("a.csv", csv_text(ROWS)), tolerated=1.0)
    record = stage.run(batch)
    assert (record.state, record.rows_done, record.rows_failed) == ("DONE", 2, 1)
    assert shown(stage, batch) == SHOWN
    (rejected,) = stage.rejected(batch)
    assert rejected["key"] == "c"
    assert "seen" in str(rejected)


def test_timestamps_and_dates_of_parquet_are_the_same_moments(stage: Stage) -> None:
    batch = stage.create_batch(stage.put("a.parquet", parquet(ROWS[:2])))
    assert stage.run(batch).state == "DONE"
    assert shown(stage, batch) == SHOWN
