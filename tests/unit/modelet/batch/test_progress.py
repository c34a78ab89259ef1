"""Progress of a batch: rates, and the time that is left."""

from __future__ import annotations

import json
from typing import Any

from modelet.batch.progress import MOST_ERRORS, counted_since, progress_of, window
from modelet.batch.record import BatchRecord
from support.tables import REQUEST


def record(**fields: Any) -> BatchRecord:
    base = BatchRecord("iris", "b1", "3", "arn", REQUEST, 0.1, "write", "RUNNING", 1, 0.0, 0.0, 9_999, started=1_000.0)
    return base._replace(**fields)


def done(rows: int) -> dict[str, Any]:
    return {"sk": "chunk#00000000", "state": "DONE", "rows": rows, "failed": 0}


def test_a_batch_that_is_planned_has_no_rate() -> None:
    progress = progress_of(record(state="PLANNING", started=None), [], 1_010.0)
    assert (progress.rate, progress.seconds_left) == (None, None)


def test_a_batch_without_a_recent_chunk_has_no_rate() -> None:
    progress = progress_of(record(chunks=4), [], 1_010.0)
    assert (progress.rate, progress.seconds_left) == (None, None)


def test_a_young_batch_is_measured_since_its_start() -> None:
    progress = progress_of(record(chunks=4, chunks_done=1, rows_done=50, rows_planned=200), [done(50)], 1_010.0)
    assert (progress.rate, progress.seconds_left) == (5.0, 30.0)


def test_the_time_left_is_told_by_chunks_if_the_rows_are_not_known() -> None:
    progress = progress_of(record(chunks=4, chunks_done=1, rows_done=50), [done(50)], 1_010.0)
    assert progress.seconds_left == 30.0


def test_rows_that_are_all_rejected_leave_no_rate_of_zero_to_divide_by() -> None:
    progress = progress_of(record(chunks=2, chunks_done=1, rows_planned=10), [done(0)], 1_010.0)
    assert (progress.rate, progress.seconds_left) == (0.0, None)


def test_long_chunks_are_measured_over_three_of_them() -> None:
    assert window(record()) == 60
    assert window(record(busy_s=600.0, chunks_done=2)) == 900


def test_chunks_of_an_earlier_attempt_do_not_count_for_the_rate_of_this_one() -> None:
    assert counted_since(record(started=1_000.0), 1_001.0) == 1_000
    assert counted_since(record(started=1_000.0), 2_000.0) == 2_000 - 60


def test_a_batch_that_has_ended_has_the_rate_of_the_whole() -> None:
    ended = record(state="DONE", rows_done=90, rows_failed=10, chunks=1, chunks_done=1, ended=1_020.0)
    assert progress_of(ended, [], 9_000.0).rate == 5.0
    assert progress_of(ended._replace(attempt=2), [], 9_000.0).rate is None


def test_at_most_a_hundred_errors_are_listed() -> None:
    failed = [
        {"sk": f"chunk#{number:08}", "state": "FAILED", "attempt": 1, "problem": json.dumps({"title": "x"}), "at": 1}
        for number in range(150)
    ]
    errors = progress_of(record(), failed, 1_010.0).errors
    assert [each.number for each in errors] == list(range(MOST_ERRORS))
