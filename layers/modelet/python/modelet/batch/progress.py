"""The progress of a batch: what is done, how fast it goes, how long it still takes, and which chunks failed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.batch.chunk_records import number_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelet.batch.attributes import Item
    from modelet.batch.record import BatchRecord

WINDOW_S = 60.0
"""Seconds over which the rate is measured, if chunks are short."""
CHUNKS_IN_WINDOW = 3
"""How long a window is for long chunks: three times as long as one takes."""
MOST_ERRORS = 100


class ChunkError(NamedTuple):
    """A chunk that failed. problem: an RFC 9457 problem. at: Unix seconds."""

    number: int
    attempt: int
    problem: dict[str, Any]
    at: float


class Progress(NamedTuple):
    """Progress of a batch. chunks, rows_planned: None if not known. done, failed: chunks. rows: with a prediction.

    rows_failed: rejected rows. rate: rows a second, of late while the batch runs, of all afterwards; None if nothing
    was measured. seconds_left: None if it cannot be told. errors: at most 100 failed chunks, by their number.
    """

    chunks: int | None
    done: int
    failed: int
    rows: int
    rows_failed: int
    rows_planned: int | None
    rate: float | None
    seconds_left: float | None
    errors: list[ChunkError]


def window(record: BatchRecord) -> float:
    """Return the seconds over which the batch's rate is measured: at least a minute, and some chunks long."""
    mean = record.busy_s / record.chunks_done if record.chunks_done else 0.0
    return max(WINDOW_S, CHUNKS_IN_WINDOW * mean)


def counted_since(record: BatchRecord, now: float) -> float:
    """Return the time since which the rate is measured: within the window, and not before the attempt."""
    return max(now - window(record), record.started or 0.0)


def progress_of(record: BatchRecord, chunks: Iterable[Item], now: float) -> Progress:
    """Return the progress of a batch. chunks: its failed chunks, and those that were done since `counted_since`."""
    recent_rows, recent_chunks = 0, 0
    errors: list[ChunkError] = []
    for each in chunks:
        if each["state"] == "DONE":
            recent_rows += each["rows"] + each["failed"]
            recent_chunks += 1
        elif len(errors) < MOST_ERRORS:
            problem = json.loads(each["problem"])
            errors.append(ChunkError(number_of(each), each["attempt"], problem, float(each["at"])))
    rate, left = _speed(record, recent_rows, recent_chunks, now)
    return Progress(
        chunks=record.chunks,
        done=record.chunks_done,
        failed=record.chunks_failed,
        rows=record.rows_done,
        rows_failed=record.rows_failed,
        rows_planned=record.rows_planned,
        rate=rate,
        seconds_left=left,
        errors=errors,
    )


def _speed(record: BatchRecord, rows: int, chunks: int, now: float) -> tuple[float | None, float | None]:
    """Return rows a second, and the seconds left."""
    if record.started is None:
        return None, None
    if record.state != "RUNNING":
        took = (record.ended or now) - record.started
        return (record.rows / took if record.rows and record.attempt == 1 and took > 0 else None), None
    seconds = now - counted_since(record, now)
    if seconds <= 0 or not chunks:
        return None, None
    if record.rows_planned:
        missing = max(0, record.rows_planned - record.rows)
        return rows / seconds, (missing / (rows / seconds) if rows else None)
    open_chunks = max(0, (record.chunks or 0) - record.chunks_done)
    return rows / seconds, open_chunks / (chunks / seconds)
