"""The file of a module is found as Python finds it."""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from itertools import combinations
from pathlib import Path

import pytest

from modelet.dev.bundle.own import module_of, own_file, own_files

FILES = [
    f"features{place}{suffix}" for place in ("", "/__init__") for suffix in (".py", ".pyc", *EXTENSION_SUFFIXES[:1])
]


@pytest.mark.parametrize("count", range(len(FILES) + 1))
def test_of_files_that_one_name_may_mean_it_is_the_one_that_python_imports(tmp_path: Path, count: int) -> None:
    for number, files in enumerate(combinations(FILES, count)):
        folder = tmp_path / str(number)
        (folder / "features").mkdir(parents=True)
        for name in files:
            (folder / name).touch()
        spec = PathFinder.find_spec("features", [str(folder)])
        assert spec
        assert own_file(folder, "features") == _origin(spec), files


def _origin(spec: ModuleSpec) -> Path | None:
    return Path(spec.origin) if spec.has_location and spec.origin else None


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("features.py", "features"),
        ("features/__init__.py", "features"),
        ("parts/deep/double.py", "parts.deep.double"),
        ("parts/fast.cpython-311-x86_64-linux-gnu.so", "parts.fast"),
    ],
)
def test_the_module_of_a_file_has_its_full_name(file: str, module: str) -> None:
    assert module_of(file) == module


def test_compiled_and_broken_files_count_and_tell_of_no_others(tmp_path: Path) -> None:
    (tmp_path / "features.py").write_text("import fast, broken\n")
    (tmp_path / "fast.abi3.so").write_bytes(b"\x7fELF import other")
    (tmp_path / "broken.py").write_text("import other\ndef not yet python")
    (tmp_path / "other.py").touch()
    assert {path.name for path in own_files(["features"], tmp_path)} == {"features.py", "fast.abi3.so", "broken.py"}
