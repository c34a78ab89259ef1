"""How the cost of work grows with its size: a ratio within one run, which a slow or busy machine does not change."""

from __future__ import annotations

import time
from collections.abc import Callable

TIMES = 8
"""How much larger the large work is: linear work costs about 8 × as much, quadratic work 64 ×."""
LINEAR = 24.0
"""The growth below which work is not quadratic."""
ROUNDS = 3


def cpu_seconds(work: Callable[[], object]) -> float:
    """The least CPU time of some rounds."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def growth(work: Callable[[int], object], small: int) -> float:
    """How much more the work of 8 × the size costs. small: a size whose work takes some milliseconds."""
    return cpu_seconds(lambda: work(small * TIMES)) / cpu_seconds(lambda: work(small))
