"""How many workers of a model score chunks at one time."""

from __future__ import annotations

WORKERS = 50
"""The most workers of a model at one time, if its model.yaml does not set `worker.max_concurrency`."""
JOBS = 10
"""The most jobs of a model at one time, if its model.yaml does not set `jobs.max_concurrency`."""


def at_once(workers: int = WORKERS, jobs: int | None = None) -> int:
    """Return how many chunks of a batch run at one time: the workers that jobs leave, at least one.

    workers: `worker.max_concurrency`. jobs: `jobs.max_concurrency`; None for a model without jobs. Without their share,
    jobs would wait until a batch ends. The emulator of a laptop takes no number from an execution's input: it sends at
    most 64 chunks, which wait until the pool of `modelet up` has a free environment.
    """
    return max(1, workers - (jobs or 0))
