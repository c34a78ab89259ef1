"""What opening a pickle imports."""

from __future__ import annotations

import pickle
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sortedcontainers import SortedDict, SortedList  # type: ignore[import-untyped]  # it has no types

from modelet.dev.project.author import author_modules
from modelet.dev.publish.source import imports
from modelet.dev.publish.source.imports import ALWAYS, data_files, named_modules, pickled
from modelet.digest import digest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A function's folder, with modules that import each other in each way."""
    for name, text in {
        "features.py": "import words\nfrom parts.double import double\n\n\nclass Own:\n    pass\n",
        "words.py": "def rare():\n    import seldom\n    return seldom\n",
        "seldom.py": "",
        "parts/__init__.py": "",
        "parts/double.py": "from . import half\nfrom .deep.deeper import bottom as double\n",
        "parts/half.py": "",
        "parts/deep/__init__.py": "",
        "parts/deep/deeper.py": "from .. import above\nbottom = above\n",
        "parts/above.py": "import sortedcontainers\n",
        "other.py": "",
        "train.py": "import features\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


OWN = {
    "features.py", "words.py", "seldom.py", "parts/__init__.py", "parts/double.py", "parts/half.py",
    "parts/deep/__init__.py", "parts/deep/deeper.py", "parts/above.py",
}  # fmt: skip


def test_a_pickle_names_modules_however_often_it_repeats_them() -> None:
    value = [SortedList([1]), SortedDict({"a": SortedList()}), LinearRegression(), np.arange(3), SortedList([2])]
    assert {
        "sortedcontainers.sortedlist",
        "sortedcontainers.sorteddict",
        "sklearn.linear_model._base",
    } <= named_modules(value)
    assert named_modules([1, "sortedcontainers", {"sklearn": b""}]) == set()


def test_a_library_is_known_by_its_distribution_and_the_standard_library_is_left_out(tmp_path: Path) -> None:
    found, strangers = pickled([SortedDict({"a": 1}), np.float64(1), pytest.approx], tmp_path)
    assert found.packages == {**ALWAYS, "sortedcontainers": "sortedcontainers", "_pytest": "pytest"}
    assert (found.modules, strangers) == ({}, [])


def test_the_authors_modules_count_with_all_that_they_import_from_the_folder(folder: Path) -> None:
    with author_modules(folder) as load:
        found, strangers = pickled([load("features").Own()], folder)
    assert found.modules.keys() == OWN
    assert found.modules["words.py"] == digest((folder / "words.py").read_bytes())
    assert strangers == []


def test_of_a_module_and_its_compiled_twin_the_one_that_is_imported_counts(folder: Path) -> None:
    with author_modules(folder) as load:
        own = load("features").Own()
        (folder / "words.abi3.so").write_bytes(b"what a compiler writes")
        found, _ = pickled([own], folder)
    assert found.modules.keys() == {*OWN - {"words.py", "seldom.py"}, "words.abi3.so"}


def test_data_is_what_modules_may_read_in_the_folder(folder: Path) -> None:
    data = {"weights.json", "words.txt", "parts/means.npy", "parts/table.csv", "parts/README.txt"}
    others = {
        "model.yaml", "requirements.txt", "requirements-train.txt", "model.lock", "bundle.json", "README.md",
        "Dockerfile", "rows.csv", "look.ipynb", ".hidden", "tests/expected.json", "events/infer.json",
        "baked/model.onnx", "parts/__pycache__/half.pyc", "words.abi3.so", ".git/config",
    }  # fmt: skip
    for name in data | others:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    assert data_files(folder) == sorted(data - {"parts/README.txt"})


def test_a_library_that_the_authors_module_cannot_be_opened_without_counts_too(folder: Path) -> None:
    (folder / "other.py").write_text(
        "import sortedcontainers\nimport features as f\n\n\ndef plot():\n    import click\n\n\nclass Own:\n    pass\n"
    )
    with author_modules(folder) as load:
        found, _ = pickled([load("other").Own()], folder)
    assert found.packages == {**ALWAYS, "sortedcontainers": "sortedcontainers"}
    assert version(found.packages["sortedcontainers"])


def test_a_module_of_neither_the_folder_nor_a_package_is_told(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "loose_module.py").write_text("class Own:\n    pass\n")
    monkeypatch.syspath_prepend(elsewhere)
    import loose_module  # type: ignore[import-not-found]  # it was made just now

    found, strangers = pickled([loose_module.Own()], folder)
    assert (found.modules, strangers) == ({}, ["loose_module"])
    del sys.modules["loose_module"]


def test_of_distributions_that_share_a_namespace_the_one_that_has_the_module_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, file in (("shared-one", "shared/one.py"), ("shared-two", "shared/__init__.py")):
        folder = tmp_path / f"{name.replace('-', '_')}-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (folder / "RECORD").write_text(f"{file},,\n")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "__init__.py").write_text("class Own:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    imports._installed.cache_clear()
    import shared  # type: ignore[import-not-found]  # the same

    found, _ = pickled([shared.Own()], tmp_path / "function")
    assert found.packages["shared"] == "shared-two"
    imports._installed.cache_clear()
    del sys.modules["shared"]


class Executes:
    """Its pickle calls a function that it names."""

    def __reduce__(self) -> Any:
        return (SortedList, ([3, 1],))


def test_a_module_counts_where_only_the_call_of_a_function_names_it() -> None:
    assert pickle.loads(pickle.dumps(Executes())) == SortedList([1, 3])
    assert named_modules(Executes()) == {"sortedcontainers.sortedlist"}
