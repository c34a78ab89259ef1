"""What the documents say of files, targets and figures is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from modelet.backends import DEFAULT

ROOT = Path(__file__).parents[2]
ROOTS = (ROOT, ROOT / "layers" / "modelet" / "python" / "modelet")
PAGES = ("CONTRIBUTING.md", "SECURITY.md")


def named(page: str) -> list[str]:
    """What stands in a page as code."""
    return re.findall(r"`([^`]+)`", (ROOT / page).read_text())


def is_there(path: str) -> bool:
    """Whether a path is there, from the root or from the package; NAME is a backend, a command, an edge or a format."""
    names = [path.replace("NAME", name) for name in (DEFAULT, "up", "http", "routes", "compiled", "media")]
    return any((root / name).exists() for root in ROOTS for name in names)


@pytest.mark.parametrize("page", PAGES)
def test_each_path_is_there(page: str) -> None:
    paths = [text for text in named(page) if re.fullmatch(r"[\w.-]+/[\w./-]*", text)]
    assert paths
    assert [path for path in paths if not is_there(path)] == []


def test_each_target_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    made = {text.removeprefix("make ") for page in PAGES for text in named(page) if text.startswith("make ")}
    assert {"check", "lock"} <= made <= targets


def test_the_design_has_the_budget_that_the_gate_holds() -> None:
    budget = tomllib.loads((ROOT / "benchmarks" / "budget.toml").read_text())
    held = {kind["cpu"] for kind in budget["cold"].values()} | set(budget["warm"].values())
    held.add(budget["cold"]["modelet, S3"]["memory"])
    text = (ROOT / "docs" / "design.md").read_text().partition("## The budget")[2]
    assert held == set(map(float, re.findall(r"\d\.\d+", text)))


def test_the_version_stands_in_one_place() -> None:
    assert not re.search(r"^## \[\d", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE), "nothing is released yet"
    assert [path for path in ROOTS[1].rglob("*.py") if re.search(r"^__version__", path.read_text(), re.MULTILINE)] == []
