"""What a batch costs in AWS and how long it takes, estimated before it runs.

Prices are those of us-east-1 in dollars. Sources: aws.amazon.com/dynamodb/pricing/on-demand (writes, imports),
aws.amazon.com/lambda/pricing (arm64), aws.amazon.com/step-functions/pricing, aws.amazon.com/s3/pricing (puts).
"""

from __future__ import annotations

import math
from typing import NamedTuple

WRITE_UNIT = 0.625e-6
IMPORTED_GB = 0.15
LAMBDA_GB_S, LAMBDA_REQUEST = 0.0000133334, 0.2e-6
TRANSITION = 25e-6
PUT = 5e-6

LOADS = ("write", "import")
IMPORT_ROWS = 5_000_000
"""Rows from which `load: auto` imports: writing them costs about three dollars, importing them a few cents."""
WRITES_PER_S = 40_000
"""DynamoDB's default quota of write units per second for a table on demand."""
CHUNKS_PER_S = 100
"""The rate at which a distributed map starts executions."""
IMPORT_GB_PER_S = 0.02
"""A cautious rate of ImportTable; AWS documents none."""
ROW_S = 60e-6
"""CPU seconds in which a row is read, checked, predicted and written: docs/batch.md has measured figures."""
ITEM_BYTES = 200
"""The bytes of an item with one prediction of a label and a probability."""


class Estimate(NamedTuple):
    """An estimate of a batch. seconds: from the start to the switch. dollars: by service."""

    seconds: float
    dollars: dict[str, float]

    @property
    def total(self) -> float:
        """All dollars together."""
        return sum(self.dollars.values())


def estimate(
    rows: int, chunks: int, load: str, *, concurrency: int, memory_mb: int, item_bytes: int = ITEM_BYTES
) -> Estimate:
    """Return what scoring these rows costs. load: write or import. concurrency: workers at one time."""
    work_s = work_seconds(rows, memory_mb)
    dollars = {
        "Lambda": work_s * memory_mb / 1024 * LAMBDA_GB_S + chunks * LAMBDA_REQUEST,
        "Step Functions": (2 * chunks + 5) * TRANSITION,
        "S3": 3 * chunks * PUT,
    }
    seconds = max(work_s / max(1, min(concurrency, chunks)), chunks / CHUNKS_PER_S)
    if load in LOADS:
        dollars["DynamoDB"] = load_dollars(load, rows, item_bytes)
    if load == "write":
        seconds = max(seconds, rows * math.ceil(item_bytes / 1024) / WRITES_PER_S)
    elif load == "import":
        seconds += 60 + rows * item_bytes / 1e9 / IMPORT_GB_PER_S
    return Estimate(seconds, dollars)


def work_seconds(rows: int, memory_mb: int) -> float:
    """Return the seconds that one worker takes for rows; below 1,769 MB it has only a part of a processor."""
    return rows * ROW_S / min(1.0, memory_mb / 1769)


def load_dollars(load: str, rows: int, item_bytes: int = ITEM_BYTES) -> float:
    """Return what DynamoDB takes for loading rows. load: write or import."""
    if load == "write":
        return rows * math.ceil(item_bytes / 1024) * WRITE_UNIT
    return rows * item_bytes / 1e9 * IMPORTED_GB


def choose_load(load: str, rows: int) -> str:
    """Return write or import. load: the request's. rows: counted, or guessed if they cannot be."""
    if load != "auto":
        return load
    return "import" if rows >= IMPORT_ROWS else "write"


def load_reason(asked: str, rows: int, *, is_guess: bool) -> str:
    """Return which load `asked` (the request's) leads to and why, with both prices. is_guess: of the rows."""
    chosen = choose_load(asked, rows)
    how = chosen if asked == "auto" else f"{chosen}, as asked for"
    written, imported = (load_dollars(load, rows) for load in LOADS)
    return (
        f"{how}: {'about ' if is_guess else ''}{rows:,} rows; writing them costs ${written:,.2f}, "
        f"importing them ${imported:,.2f}"
    )
