"""A tiny project for the package's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiny import Tiny, make_tiny


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """A project with one function, published and bundled."""
    return make_tiny(tmp_path)
