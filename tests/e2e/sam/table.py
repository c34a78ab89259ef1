"""What every model said to every event on every rung, for the end of the run."""

from __future__ import annotations

import pytest

CELLS = pytest.StashKey[dict[tuple[str, str], dict[str, str]]]()
"""For each model and event, what happened on each rung."""


def note(config: pytest.Config, model: str, event: str, rung: str, said: str) -> None:
    """Write one cell."""
    config.stash.setdefault(CELLS, {}).setdefault((model, event), {})[rung] = said


def lines(config: pytest.Config) -> list[str]:
    """The table; empty where no rung was asked."""
    cells = config.stash.get(CELLS, {})
    rungs = sorted({rung for row in cells.values() for rung in row})
    rows = [("model", "event", *rungs)]
    rows += [(model, event, *(row.get(rung, "") for rung in rungs)) for (model, event), row in sorted(cells.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows] if cells else []
