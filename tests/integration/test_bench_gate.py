"""The gate of the benchmarks, as CI runs it, on what is exact: imports and counts; times are for `make bench-gate`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.counts import PYTHON, read
from benchmarks.lineup import PROJECT
from support.repository import ROOT


def gate(project: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.gate", "--exact-only", "--project", str(project)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def held() -> bool:
    return bool(read()["python"] == PYTHON)


def planted(folder: Path, before: str = "", after: str = "") -> Path:
    """A copy of the benchmark's project with more in the sample's app.py."""
    project = folder / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("__pycache__"))
    app = project / "functions/iris/app.py"
    app.write_text(before + app.read_text().replace("    pass\n", after or "    pass\n"))
    return project


def test_the_benchmark_s_functions_do_what_the_budget_allows() -> None:
    done = gate(PROJECT)
    kept = ["the budget is kept"]
    if not held():
        kept.insert(0, f"  bytecodes and calls are checked only on Python {read()['python']}; this is {PYTHON}")
    assert done.stdout.splitlines() == kept, done.stdout + done.stderr
    assert done.returncode == 0


def test_a_planted_import_breaks_the_budget_and_is_named(tmp_path: Path) -> None:
    done = gate(planted(tmp_path, "import pandas\n"))
    assert done.returncode == 1, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("modelet, baked: imports ")]
    assert len(lines) == 1
    assert "imports pandas (" in lines[0]
    assert "app → pandas" in lines[0]


ASKED = """    def infer(self, inputs):
        {}
        return super().infer(inputs)
"""
"""A stage of the sample's that does more than its base."""

PLANTED = {
    "300 bytecodes a request": ("", "for _ in range(60): _ + 1", "a warm request", "bytecodes"),
    "native work in a request": ("", "bytes(20_000).count(1)", "a warm request", "calls"),
    "native work at the start": ("sum(range(300_000))\n", "", "its start", "calls"),
    "a loop at the start": ("for _ in range(50_000): pass\n", "", "its start", "bytecodes"),
}


@pytest.mark.skipif(not held(), reason="counts are held on one Python minor, which CI runs")
@pytest.mark.parametrize("what", PLANTED)
def test_planted_work_breaks_the_budget_and_its_module_is_named(what: str, tmp_path: Path) -> None:
    first, line, part, figure = PLANTED[what]
    done = gate(planted(tmp_path, first, ASKED.format(line) if line else ""))
    assert done.returncode == 1, done.stdout + done.stderr
    said = [each for each in done.stdout.splitlines() if each.startswith(f"modelet, baked: {part} takes")]
    assert [": app +" in each for each in said if figure in each] == [True]
