"""A fresh process behind a Runtime API, and what its figures are."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.environment import Subject, measure
from benchmarks.lineup import HERE

ECHO = "import helper\n\ndef handler(event, context):\n    print('asked')\n    return event\n"


@pytest.fixture
def echo(tmp_path: Path) -> Subject:
    """A function that answers with its event."""
    (tmp_path / "app.py").write_text(ECHO)
    (tmp_path / "helper.py").write_text("import colorsys\n")
    return Subject("echo", tmp_path, "app.handler", {})


def test_a_process_is_measured_until_its_init_and_until_its_first_answer(echo: Subject) -> None:
    sample = measure(echo, b'{"a": 1}', warm=3)
    assert sample.answers == [b'{"a": 1}'] * 4
    assert 0 < sample.init_cpu_ms <= sample.cpu_ms
    assert sample.init_cpu_ms < sample.init_wall_ms * (os.cpu_count() or 1)
    assert sample.init_wall_ms < sample.wall_ms
    assert 1 < sample.resident_mb <= sample.peak_mb
    assert len(sample.warm_us) == 3
    assert sample.printed == "asked\n" * 4
    assert sample.figures.keys() == {"cpu_ms", "wall_ms", "resident_mb", "peak_mb", "warm_us"}


def test_a_function_that_cannot_start_is_told_with_its_own_words(echo: Subject) -> None:
    (echo.folder / "app.py").write_text("raise RuntimeError('no model')\n")
    with pytest.raises(RuntimeError, match="no model"):
        measure(echo, b"{}")


def test_a_watched_process_says_who_imported_what(echo: Subject, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    measure(replace(echo, client=(str(HERE / "subjects/watched.py"), str(lines))), b"{}")
    importers = {name: importer for name, importer, *_ in (line.split("\t") for line in lines.read_text().splitlines())}
    assert importers["colorsys"] == "helper"
    assert importers["helper"] == "app"
    assert importers["app"] == ""
