"""What the images have beside their functions is what the tests run, and no requirement file names a place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pins import hashes, requirements

ROOT = Path(__file__).parents[2]
LOCKED = sorted([*(ROOT / "requirements").rglob("*.txt"), ROOT / "layers" / "modelet" / "requirements.txt"])
FUNCTIONS = sorted((ROOT / "functions").glob("*/requirements*.txt"))
FILES = [*LOCKED, *FUNCTIONS]


@pytest.mark.parametrize("name", ["lambda", "worker"])
def test_what_an_image_adds_is_pinned_as_the_tests_run_it(name: str) -> None:
    added = set(requirements(ROOT / "requirements" / f"{name}.txt"))
    assert added
    assert added <= set(requirements(ROOT / "requirements" / "dev.txt"))


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_package_of_an_index_is_pinned_with_its_hashes(path: Path) -> None:
    found = hashes(path)
    assert found
    for requirement, digests in found.items():
        assert "==" in requirement, "run make lock"
        assert digests, f"{requirement}: run make lock"
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", digest) for digest in digests)


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.parent.name + path.stem)
def test_a_function_s_pins_have_the_hashes_of_the_project_s(path: Path) -> None:
    tested = hashes(ROOT / "requirements" / "dev.txt")
    assert {name: found for name, found in hashes(path).items() if found} == {
        name: tested[name] for name in hashes(path) if not name.startswith("modelet")
    }


def test_what_is_installed_from_a_lock_is_held_to_its_hashes() -> None:
    """uv looks at hashes that are there; only with this does it refuse a package without."""
    makefile = (ROOT / "Makefile").read_text()
    installs = re.findall(
        r"^SYNC := .*|^\t.*uv pip (?:sync|install).* -r requirements/.*|^\t\$\(SYNC\).*", makefile, re.M
    )
    assert len(installs) >= 5
    assert all("--require-hashes" in line or "$(SYNC)" in line for line in installs)


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
