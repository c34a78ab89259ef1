"""Records of batches as the platform function answers them."""

from __future__ import annotations

from typing import Any

BATCH = "20261129T051200Z-1a2b3c4d"
OF = "/models/tiny/batches"


def record(state: str = "RUNNING", **members: Any) -> dict[str, Any]:
    """A batch of 2,000 rows in two chunks, of which one is done."""
    return {
        "id": BATCH,
        "model": "tiny",
        "state": state,
        "attempt": 1,
        "version": "3",
        "request": {"inputs": ["s3://lake/a.csv"], "key": "id"},
        "load": "write",
        "tolerated": 0.1,
        "chunks": 2,
        "chunks_done": 1,
        "chunks_failed": 0,
        "rows": 2000,
        "rows_done": 1000,
        "rows_failed": 0,
        "load_reason": None,
        "repeated": 0,
        "results": None,
        "rejected": None,
        "created": "2026-11-29T05:12:00.000Z",
        "started": "2026-11-29T05:12:01.000Z",
        "ended": None,
        "expires": "2027-02-27T05:12:00.000Z",
        "problem": None,
        "stopped": None,
        "announced": False,
        "status_url": f"{OF}/{BATCH}",
        **members,
    }


def shown(state: str = "RUNNING", errors: list[dict[str, Any]] | None = None, **members: Any) -> dict[str, Any]:
    """The record with its progress, as the batch's own route answers."""
    progress = {
        "chunks": 2,
        "done": 1,
        "failed": len(errors or []),
        "rows": 1000,
        "rows_failed": 0,
        "rows_planned": 2000,
        "rows_per_s": 1234.5,
        "seconds_left": 12.3,
        "errors": errors or [],
    }
    return {**record(state, **members), "progress": progress}
