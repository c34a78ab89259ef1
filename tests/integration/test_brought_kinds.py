"""Kinds of models, each in one try: `modelet new --kind`, publish where there is something to publish, an answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.discovery import discover
from infra.stage import STAGES
from modelet.dev.cli.new import KINDS

pytestmark = pytest.mark.slow


def command(root: Path, *words: str) -> str:
    """What a command prints; it must succeed at once."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    modelet = str(Path(sys.executable).with_name("modelet"))
    done = subprocess.run(
        [modelet, *words], cwd=root, env=environ, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, f"modelet {' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_served_and_deployable_at_the_first_try(kind: str, tmp_path: Path) -> None:
    (tmp_path / "functions").mkdir()
    command(tmp_path, "new", "brought", "--kind", kind)
    command(tmp_path, "pin", "--publish")
    event = json.loads((tmp_path / "events/brought/infer.json").read_text())
    answer = json.loads(command(tmp_path, "infer", "brought", event["body"]))
    assert not (isinstance(answer, dict) and "status" in answer), answer
    command(tmp_path, "bundle", "--stage", "dev")
    [model] = discover(tmp_path, STAGES["dev"])
    assert model.name == "brought"
