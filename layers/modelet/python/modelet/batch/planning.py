"""The first step of a batch: its plan, or what is missing of it in a later attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.batch.files import read_file
from modelet.batch.plan import Plan, from_lines, place_of, to_lines
from modelet.deadline import Alarm, Deadline, disarm
from modelet.errors import RequestError

if TYPE_CHECKING:
    from modelet.batch.record import BatchRecord
    from modelet.batch.worker import Worker

NOTHING = {"bucket": "", "key": "", "chunks": 0}
RESERVE_S = 8.0
"""Seconds before the worker's timeout that are kept for recording a plan that takes too long."""
TOO_LARGE = (
    "the inputs cannot be cut into chunks within the worker's timeout: CSV and JSON Lines are read once for that. Give "
    "Parquet, of which only the footers are read, or fewer files, or raise worker.timeout_s (at most 900)"
)


def plan(worker: Worker, record: BatchRecord, attempt: int, remaining: float | None) -> dict[str, Any]:
    """Plan an attempt of a batch, write its list of chunks, and set the batch to RUNNING.

    remaining: seconds until the worker's timeout; None for none. A request that cannot be planned, or not in this time,
    fails the batch, with the reason in its record.
    """
    files = worker.files(record.id)
    if record.attempt == attempt and record.state == "RUNNING":  # an earlier call did it, and its answer was lost
        return _planned(files.chunks(attempt), len(from_lines(read_file(worker.objects, files.chunks(attempt)))))
    if record.state != "PLANNING" or record.attempt != attempt:
        return NOTHING  # cancelled, or this attempt was replaced by a later one
    try:
        if record.chunks:
            done = worker.batches.done_numbers(record)
            chunks = [chunk for chunk in from_lines(read_file(worker.objects, files.plan)) if chunk.number not in done]
            rows, load, count, reason = record.rows_planned, record.load, record.chunks, record.load_reason
        else:
            with Deadline(None if remaining is None else remaining - RESERVE_S):
                made = Plan.of(record.request._replace(load=record.load), worker.objects)
            chunks, rows, load, count, reason = made.chunks, made.rows, made.load, len(made.chunks), made.load_reason
            worker.objects.put(files.plan, to_lines(chunks))
    except Alarm:
        disarm()
        worker.batches.set_state(record, ("PLANNING",), "FAILED", problem=RequestError(TOO_LARGE).problem())
        return NOTHING
    except FileNotFoundError as missing:
        gone = RequestError(f"a file of the batch is gone: {missing}; start a new batch")
        worker.batches.set_state(record, ("PLANNING",), "FAILED", problem=gone.problem())
        return NOTHING
    except RequestError as error:
        worker.batches.set_state(record, ("PLANNING",), "FAILED", problem=error.problem())
        return NOTHING
    url = files.chunks(attempt)
    worker.objects.put(url, to_lines(chunks))
    running = worker.batches.plan_done(
        record, attempt, count, rows, load, version=worker.service.version, load_reason=reason
    )
    # None says that the batch was cancelled meanwhile.
    return NOTHING if running is None else _planned(url, len(chunks))


def _planned(url: str, chunks: int) -> dict[str, Any]:
    return {**place_of(url), "chunks": chunks}
