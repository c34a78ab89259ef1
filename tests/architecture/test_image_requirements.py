"""What the images have beside their functions is what the tests run, and no requirement file names a place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "requirements").glob("*.txt"), *(ROOT / "functions").glob("*/requirements*.txt")])


def pins(path: Path) -> set[str]:
    return {line for line in path.read_text().splitlines() if re.match(r"\w", line)}


@pytest.mark.parametrize("name", ["lambda", "worker"])
def test_what_an_image_adds_is_pinned_as_the_tests_run_it(name: str) -> None:
    added = pins(ROOT / "requirements" / f"{name}.txt")
    assert added
    assert added <= pins(ROOT / "requirements" / "dev.txt")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_requirement_file_names_no_index_and_no_place(path: Path) -> None:
    assert not re.search(r"^-|https?:|file:", path.read_text(), re.MULTILINE)


def recipes() -> list[tuple[str, str]]:
    """What `make lock` compiles from words alone: each file with the packages that it is asked for."""
    makefile = (ROOT / "Makefile").read_text()
    found = re.findall(r"printf '(.+)' \| .* --output-file (\S+) -", makefile)
    return [(path, package) for packages, path in found for package in packages.split(r"\n") if package]


def test_there_are_recipes_to_look_at() -> None:
    assert len(recipes()) >= 6


@pytest.mark.parametrize(("path", "package"), recipes())
def test_a_requirement_file_holds_what_its_recipe_asks_for(path: str, package: str) -> None:
    name = re.split(r"[<>=]", package)[0]
    assert any(line.startswith(f"{name}==") for line in (ROOT / path).read_text().splitlines()), "run make lock"
