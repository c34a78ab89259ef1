"""One Python minor for a deployment: image, layer, platform functions and pins name the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = {
    "functions/Dockerfile": r"python:(3\.\d+)-slim",
    "infra/layer.py": r'PYTHON = "(3\.\d+)"',
    "infra/constructs/platform/layer.py": r"PYTHON_(3_\d+)",
    "requirements/lock.sh": r"--python-version (3\.\d+)",
    "tests/e2e/engine/base.py": r"(3\.11)",
}


def test_pyproject_allows_it() -> None:
    assert 'requires-python = ">=3.11' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("place", PLACES)
def test_every_place_names_the_same_python(place: str) -> None:
    named = {found.replace("_", ".") for found in re.findall(PLACES[place], (ROOT / place).read_text())}
    assert named == {"3.11"}
