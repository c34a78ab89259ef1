"""What the images have beside their functions is what the tests run, and no requirement file names a place."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from support.requirement_files import hashes, requirements

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


@pytest.mark.parametrize("name", ["breast_cancer", "churn", "diabetes", "ner", "sentiment", "toolbox"])
def test_each_package_of_a_sample_is_pinned_with_its_hashes(name: str) -> None:
    tested = hashes(ROOT / "requirements" / "dev.txt")
    pinned = {
        requirement: found
        for requirement, found in hashes(ROOT / "functions" / name / "requirements.txt").items()
        if not requirement.startswith("modelet")
    }
    assert pinned
    assert pinned == {requirement: tested[requirement] for requirement in pinned}


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


WHEEL = f"file:///build/wheels/modelet-1.0-py3-none-any.whl --hash=sha256:{'a' * 64}"
OWN = f" \\\n    --hash=sha256:{'b' * 64}"


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("modelet", f"modelet @ {WHEEL}"),
        ("modelet[onnx]", f"modelet[onnx] @ {WHEEL}"),
        ("Modelet [onnx, sklearn]  # the run time", f"modelet[onnx, sklearn] @ {WHEEL}"),
        ("  modelet==1.0", f"modelet @ {WHEEL}"),
        ("modelet[onnx] ; python_version >= '3.11'", f"modelet[onnx] @ {WHEEL}"),
        (f"modelet[onnx]==1.0{OWN}{OWN}", f"modelet[onnx] @ {WHEEL}"),
        (f"modelet{OWN}\n    # via an author", f"modelet @ {WHEEL}\n    # via an author"),
        (f"modelet-extras==2{OWN}", f"modelet-extras==2{OWN}"),
        (f"modelet_extras==2{OWN}", f"modelet_extras==2{OWN}"),
        (f"modelet.extras[all]==2{OWN}", f"modelet.extras[all]==2{OWN}"),
        (f"modelets==2{OWN}", f"modelets==2{OWN}"),
        (f"my-modelet==2{OWN}", f"my-modelet==2{OWN}"),
        ("# modelet is here", "# modelet is here"),
    ],
)
def test_an_image_gives_modelet_its_own_wheel_s_hash_and_leaves_other_packages_alone(
    tmp_path: Path, line: str, written: str
) -> None:
    """The image's own command, from functions/Dockerfile."""
    dockerfile = (ROOT / "functions" / "Dockerfile").read_text()
    (command,) = re.findall(r"then (sed .*?);\s*\\$", dockerfile, re.DOTALL | re.MULTILINE)
    file = tmp_path / "function" / "requirements.txt"
    file.parent.mkdir()
    before, after = f"numpy==2{OWN}\n", f"zipp==3{OWN}\n"
    file.write_text(f"{before}{line}\n{after}")
    (tmp_path / "hashed.txt").write_text(f"{WHEEL}\n")
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert file.read_text() == f"{before}{written}\n{after}"


def recipes() -> list[tuple[str, str]]:
    """What `make lock` compiles from words alone: each file with the packages that it is asked for."""
    script = (ROOT / "requirements" / "lock.sh").read_text()
    found = re.findall(r"printf '(.+)' \| .* --output-file (\S+) -", script)
    return [(path, package) for packages, path in found for package in packages.split(r"\n") if package]


def test_there_are_recipes_to_look_at() -> None:
    assert len(recipes()) >= 6


@pytest.mark.parametrize(("path", "package"), recipes())
def test_a_requirement_file_holds_what_its_recipe_asks_for(path: str, package: str) -> None:
    name = re.split(r"[<>=]", package)[0]
    assert any(line.startswith(f"{name}==") for line in (ROOT / path).read_text().splitlines()), "run make lock"
