"""What becomes of a test that needs an engine, where there can be none."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

from e2e.engine.engine import Skipped


def skip(why: Skipped) -> NoReturn:
    """Leave the test out and say why; in CI a machine that cannot run it is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"skipped: {why}", pytrace=False)
    pytest.skip(str(why))
