"""The quotas of AWS that a batch meets, and how much of each it uses.

Sources: docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (distributed maps, sizes of inputs and
outputs), …/amazondynamodb/latest/developerguide/ServiceQuotas.html (tables on demand, imports).
"""

from __future__ import annotations

from typing import NamedTuple

from modelet.batch.plan import MOST_CHUNKS
from modelet.batch.prices import CHUNKS_PER_S, ITEM_BYTES, WRITES_PER_S, work_seconds

NEAR = 0.5
"""The share of a quota from which on a batch comes near it."""
CHILDREN = 10_000
OUTPUT_BYTES = 256 * 1024
BYTES_A_CHUNK = len("{},")
"""Bytes of the map's output for one chunk: workers return an empty object."""
LIST_ITEMS, LIST_BYTES = 100_000_000, 10 * 1024**3
DESCRIPTOR_BYTES = 300
"""Bytes of a chunk in the list that the map reads, about."""
NEW_TABLE_WRITES_PER_S = 4_000
IMPORTS = 50
IMPORTED_OBJECTS = 50_000
IMPORTED_BYTES = 15e12
READ_BYTES_PER_S = 75e6
"""A cautious rate at which one function reads from S3; AWS documents none."""
PLAN_S = 900
"""The longest timeout of a worker, within which the plan reads all CSV and JSON Lines once."""


class Quota(NamedTuple):
    """One quota. what: in words. most: its value. used: what the batch uses. load: the only load that meets it."""

    what: str
    most: float
    used: float
    load: str | None = None

    @property
    def verdict(self) -> str:
        """Whether the batch reaches the quota or comes near it; empty if it does neither."""
        share = self.used / self.most
        return "reached" if share >= 1 else "near" if share >= NEAR else ""


def quotas(rows: int, chunks: int, *, concurrency: int, memory_mb: int, text_bytes: int = 0) -> list[Quota]:
    """Return all quotas that a batch meets. concurrency: workers at one time. text_bytes: of CSV and JSON Lines."""
    workers = min(concurrency, chunks)
    seconds = max(1.0, work_seconds(rows, memory_mb) / workers)  # until all workers are through
    writes = rows / seconds
    return [
        Quota("parallel executions of a map", CHILDREN, workers),
        Quota("executions that a map starts a second", CHUNKS_PER_S, chunks / seconds),
        Quota("bytes of the map's output", OUTPUT_BYTES, BYTES_A_CHUNK * chunks),
        Quota("bytes of text that a plan reads, about", READ_BYTES_PER_S * PLAN_S, text_bytes),
        Quota("chunks of a batch", MOST_CHUNKS, chunks),
        Quota("items of the map's list", LIST_ITEMS, chunks),
        Quota("bytes of the map's list", LIST_BYTES, DESCRIPTOR_BYTES * chunks),
        Quota("writes a second of a table (default)", WRITES_PER_S, writes, "write"),
        Quota("writes a second of a new table, at first", NEW_TABLE_WRITES_PER_S, writes, "write"),
        Quota("imports at one time", IMPORTS, 1, "import"),
        Quota("objects of an import", IMPORTED_OBJECTS, chunks, "import"),
        Quota("bytes imported at one time", IMPORTED_BYTES, rows * ITEM_BYTES, "import"),
    ]
