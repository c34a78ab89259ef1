"""What a target of the Makefile must not do."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import yaml

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


def recipe(target: str) -> str:
    """What a target would run, with the variables of the Makefile filled in."""
    asked = ["make", "--dry-run", "--always-make", target]
    return subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_the_hooks_run_what_the_gate_runs() -> None:
    lint = recipe("lint")
    [local] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    entries = [hook["entry"] for hook in local["hooks"]]
    assert len(entries) == 6
    assert [entry for entry in entries if entry not in lint] == []


def test_workflows_run_targets_that_ci_runs_on_every_supported_python() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text())["jobs"]
    asked = (ROOT / ".ci" / "run").read_text()
    assert jobs["gate"]["steps"][-1] == {"run": "make check"}
    assert [name for name in jobs["deploy"]["strategy"]["matrix"]["target"] if f"make {name}" not in asked] == []
    supported = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    versions = jobs["gate"]["strategy"]["matrix"]["python"]
    assert [f">={versions[0]}", f"<3.{int(versions[-1].split('.')[1]) + 1}"] == supported.split(",")
