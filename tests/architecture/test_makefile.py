"""What a target of the Makefile must not do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_make_clean_spares_the_published_versions(tmp_path: Path) -> None:
    shutil.copy2(ROOT / "Makefile", tmp_path)
    kept = tmp_path / ".modelet" / "store" / "tiny" / "1" / "model.json"
    made = [tmp_path / ".venv" / "pyvenv.cfg", tmp_path / "functions" / "tiny" / "bundle.json"]
    for path in (kept, *made):
        path.parent.mkdir(parents=True)
        path.touch()
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert kept.exists()
    assert not any(path.exists() for path in made)


def test_ci_runs_the_gate_and_all_that_the_gate_leaves_out() -> None:
    asked = (ROOT / ".ci" / "run").read_text().splitlines()
    for target in ("check", "bench-gate", "synth", "images", "sam", "deploy-local"):
        assert f"make {target}" in asked
    assert "export CI=true" in asked
