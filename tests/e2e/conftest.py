"""What the tests share that run containers: a Docker engine, or the reason why there is none."""

from __future__ import annotations

import pytest

from e2e.engine.base import ready_engine
from e2e.engine.engine import Engine, Skipped
from e2e.engine.skip import skip


@pytest.fixture(scope="session")
def engine() -> Engine:
    """An engine with images to build from; skips where none can run, which CI does not accept."""
    try:
        return ready_engine()
    except Skipped as why:
        skip(why)
