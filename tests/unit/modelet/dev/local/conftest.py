"""Functions with tiny handlers."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.runtime.log import MemoryLog

if TYPE_CHECKING:
    from pathlib import Path

    from support.clients import Make


@pytest.fixture
def make(tmp_path: Path) -> Make:
    numbers = itertools.count()

    def written(source: str, name: str = "echo", **options: Any) -> LocalFunction:
        folder = tmp_path / f"function-{next(numbers)}"
        folder.mkdir()
        (folder / "app.py").write_text(source)
        return LocalFunction(name, folder, "app.handler", **{"timeout_s": 10, **options})

    return written


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()
