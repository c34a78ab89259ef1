"""What a target of the Makefile must not do."""

from __future__ import annotations

import os
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


def planned(folder: Path, *words: str) -> str:
    """What make would run, in a project called fraud; the shell has variables of another tool."""
    for name in ("Makefile", "pyproject.toml", "requirements"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(ROOT / name)
    (folder / "cdk.json").write_text('{\n  "context": {\n    "project": "fraud",\n    "stage": "dev"\n  }\n}\n')
    environment = {"PATH": os.environ["PATH"], "MODEL": "of-another-tool", "PROJECT": "of-another-tool"}
    command = ["make", "--dry-run", *words]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    assert "of-another-tool" not in done.stdout
    return done.stdout


def test_deploy_checks_the_account_then_deploys_then_lists_what_is_left_over(tmp_path: Path) -> None:
    said = planned(tmp_path, "deploy", "STAGE=prod", "APPROVAL=never")
    steps = [
        "infra.checks.account fraud prod \n",
        "--context project=fraud --context stage=prod",
        "infra.deploy fraud prod  --approval never --at-once 4",
        "infra.checks.deployed fraud prod",
    ]
    places = [said.index(step) for step in steps]
    assert places == sorted(places)


def test_deploy_of_one_model_names_it_everywhere(tmp_path: Path) -> None:
    said = planned(tmp_path, "deploy", "MODEL=breast_cancer")
    assert "infra.checks.account fraud dev breast-cancer\n" in said
    assert "infra.deploy fraud dev breast-cancer --approval broadening" in said
    assert "infra.checks.deployed" not in said


def test_destroy_removes_what_is_deployed_or_one_model_of_it(tmp_path: Path) -> None:
    for words, context in (([], ""), (["MODEL=breast_cancer"], "--context model=breast-cancer")):
        said = planned(tmp_path, "destroy", "FORCE=1", *words)
        assert '-m infra.removal" --output .modelet/cdk.removal ' + context in said
        assert "destroy --all --concurrency 4 --force" in said
        assert ("--context model" in said) == bool(words)
