"""How many chunks run at one time: what jobs leave of a model's workers."""

from __future__ import annotations

import pytest

from modelet.batch.concurrency import JOBS, WORKERS, at_once
from modelet.dev.project.worker_sections import Jobs, Worker


@pytest.mark.parametrize(
    ("workers", "jobs", "chunks"), [(50, None, 50), (50, 10, 40), (1000, None, 1000), (10, 10, 1), (1, None, 1)]
)
def test_jobs_keep_their_share_and_one_chunk_runs_at_least(workers: int, jobs: int | None, chunks: int) -> None:
    assert at_once(workers, jobs) == chunks


def test_without_numbers_those_of_model_yaml_hold() -> None:
    assert (Worker().max_concurrency, Jobs().max_concurrency) == (WORKERS, JOBS)
    assert at_once() == WORKERS
