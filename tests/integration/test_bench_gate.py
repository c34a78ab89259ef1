"""The gate of the benchmarks, as CI runs it, on what a function imports; times are for `make bench-gate`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.lineup import PROJECT
from rungs import ROOT


def gate(project: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.gate", "--imports-only", "--project", str(project)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_benchmark_s_functions_import_what_the_budget_allows() -> None:
    done = gate(PROJECT)
    assert done.stdout == "the budget is kept\n", done.stdout + done.stderr
    assert done.returncode == 0


def test_a_planted_import_breaks_the_budget_and_is_named(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("__pycache__"))
    app = project / "functions/iris/app.py"
    app.write_text(f"import pandas\n{app.read_text()}")
    done = gate(project)
    assert done.returncode == 1, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("modelet, baked: ")]
    assert len(lines) == 1
    assert "imports pandas (" in lines[0]
    assert "app → pandas" in lines[0]
