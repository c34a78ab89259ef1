"""Rules of the layout that import-linter cannot see."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "modelet" / "python" / "modelet"
MODULES = sorted(PACKAGE.rglob("*.py"))
FUNCTIONS = sorted(path.parent for path in (ROOT / "functions").glob("*/model.yaml"))
ROOMS = [*MODULES, *sorted((ROOT / "infra").rglob("*.py"))]
OTHER_PYTHON = ("emulator", "launcher.py")
"""It runs in the emulator's own Python, which has no modelet."""
LONGEST = 300
"""Lines of a module that fit a reader's head."""


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def test_there_are_modules_and_functions_to_look_at() -> None:
    assert len(MODULES) > 30
    assert len(FUNCTIONS) >= 3


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_settings_reads_the_environment(path: Path) -> None:
    if path.name == "settings.py" or path.relative_to(PACKAGE).parts[-2:] == OTHER_PYTHON:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            assert not {alias.name for alias in node.names} & {"environ", "environb", "getenv", "putenv"}, path
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            assert node.attr not in {"environ", "environb", "getenv", "putenv"}, f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_one_room(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST
    assert ast.get_docstring(ast.parse(path.read_text())), "a module says in its first sentence what it is"


@pytest.mark.parametrize("folder", sorted({path.parent for path in ROOMS}), ids=lambda path: path.name)
def test_a_folder_says_what_lives_there(folder: Path) -> None:
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))


@pytest.mark.parametrize("folder", FUNCTIONS, ids=lambda path: path.name)
def test_a_model_s_code_uses_the_public_face_and_backends_only(folder: Path) -> None:
    own = {path.stem for path in folder.glob("*.py")}
    others = {path.stem for other in FUNCTIONS if other != folder for path in other.glob("*.py")} - own
    for path in folder.glob("*.py"):
        if path.name == "train.py":
            continue
        for name in imported(path):
            if name.split(".")[0] == "modelet":
                public = name in {"modelet", "modelet.typing"} or name.startswith("modelet.backends.")
                assert public, f"{path} imports {name}"
            assert name.split(".")[0] not in others, f"{path} imports another function"
    assert not own & sys.stdlib_module_names


def test_no_test_replaces_parts_by_mocks() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        assert not [name for name in imported(path) if name.startswith(("unittest.mock", "mock"))], path


def test_the_public_face_is_exact() -> None:
    import modelet

    assert sorted(modelet.__all__) == ["Artifacts", "Model", "ModelHandler", "ModeletError", "RequestError", "Response"]
    assert dir(modelet) == modelet.__all__
    for name in modelet.__all__:
        assert getattr(modelet, name).__name__ == name
    missing = "Nothing"
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        getattr(modelet, missing)


def test_one_distribution_holds_the_package_whole() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["layers/modelet/python/modelet"]
