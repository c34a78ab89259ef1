"""A tiny project for the package's tests, and a disk that takes little."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelet.store.download import PART
from support.projects import Tiny, make_tiny


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """A project with one function, published and bundled."""
    return make_tiny(tmp_path)


@pytest.fixture
def small_files() -> Iterator[None]:
    """While a test runs, files of this process grow no larger than half a part."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (PART // 2, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
