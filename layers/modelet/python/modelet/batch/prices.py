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
    work_s = rows * ROW_S / min(1.0, memory_mb / 1769)
    dollars = {
        "Lambda": work_s * memory_mb / 1024 * LAMBDA_GB_S + chunks * LAMBDA_REQUEST,
        "Step Functions": (2 * chunks + 5) * TRANSITION,
        "S3": 3 * chunks * PUT,
    }
    seconds = max(work_s / max(1, min(concurrency, chunks)), chunks / CHUNKS_PER_S)
    if load == "write":
        dollars["DynamoDB"] = rows * math.ceil(item_bytes / 1024) * WRITE_UNIT
        seconds = max(seconds, rows * math.ceil(item_bytes / 1024) / WRITES_PER_S)
    elif load == "import":
        gigabytes = rows * item_bytes / 1e9
        dollars["DynamoDB"] = gigabytes * IMPORTED_GB
        seconds += 60 + gigabytes / IMPORT_GB_PER_S
    return Estimate(seconds, dollars)


def choose_load(load: str, rows: int | None, size: int) -> str:
    """Return write or import. load: the request's. rows: None if they were not counted. size: bytes of the inputs."""
    if load != "auto":
        return load
    planned = rows if rows is not None else size // ITEM_BYTES
    return "import" if planned >= IMPORT_ROWS else "write"
