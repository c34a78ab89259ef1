"""The author's modules that a version's pickles call may not change after it was published."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from modelet.bundle import Lock
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.project import Function
from modelet.dev.project.spec import ModelSpec
from modelet.digest import digest
from modelet.errors import CommandError
from modelet.store.manifest import Column, Pickled
from modelet.store.store import Store
from support.versions import joblib_bytes, regressor, write_version

if TYPE_CHECKING:
    from pathlib import Path

HELPER = "def double(x):\n    return 2 * x\n"
FEATURES = "import click\nfrom parts.double import double\n\n\ndef rare():\n    import speedups\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store((tmp_path / "store").as_uri())


@pytest.fixture
def function(tmp_path: Path) -> Function:
    folder = tmp_path / "functions" / "tiny"
    (folder / "parts").mkdir(parents=True)
    (folder / "model.yaml").write_text("backend: sklearn\n")
    (folder / "parts" / "double.py").write_text(HELPER)
    (folder / "features.py").write_text(FEATURES)
    (folder / "words").mkdir()
    (folder / "words" / "__init__.py").write_text("")
    (folder / "other.py").write_text("")
    return Function(folder, ModelSpec(backend="sklearn"))


@pytest.fixture
def lock(store: Store) -> Lock:
    return write_version(
        store,
        {"model.joblib": joblib_bytes(regressor())},
        columns=(Column("a", "number"), Column("b", "number")),
        model_info={"task": "regression"},
        pickled=Pickled(
            {"sklearn": "scikit-learn", "sortedcontainers": "sortedcontainers"},
            {
                "parts/double.py": digest(HELPER.encode()),
                "features.py": digest(FEATURES.encode()),
                "words/__init__.py": digest(b""),
            },
        ),
    )


def test_the_modules_of_the_publish_are_bundled(function: Function, store: Store, lock: Lock) -> None:
    (function.folder / "other.py").write_text("more = 1\n")
    assert write_bundle(function, store, lock).bundle.sources["parts/double.py"] == digest(HELPER.encode())


@pytest.mark.parametrize(("text", "said"), [(HELPER.replace("2", "3"), "has changed"), (None, "is missing")])
def test_a_module_that_differs_is_refused_with_the_remedy(
    function: Function, store: Store, lock: Lock, text: str | None, said: str
) -> None:
    path = function.folder / "parts" / "double.py"
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(
        CommandError, match=rf"functions/tiny/parts/double.py {said} since version 1 .*modelet publish tiny\) and pin"
    ):
        write_bundle(function, store, lock)
    assert not function.bundle_path.exists()


@pytest.mark.parametrize(
    "name",
    [
        "features/__init__.py",
        "features/__init__.cpython-311-x86_64-linux-gnu.so",
        "features/__init__.pyc",
        "features.cpython-311-x86_64-linux-gnu.so",
        "features.abi3.so",
        "features.so",
        "features.pyd",
        "words/__init__.cpython-311-x86_64-linux-gnu.so",
        "parts/__init__.py",
        "parts/double/__init__.py",
        "parts/double.abi3.so",
        "parts.py",
        "speedups.py",
        "speedups/__init__.py",
        "click.py",
        "sortedcontainers.py",
        "sklearn/__init__.py",
    ],
)
def test_a_new_file_that_is_imported_by_what_the_pickle_calls_is_refused_with_the_remedy(
    function: Function, store: Store, lock: Lock, name: str
) -> None:
    path = function.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("def not yet python")
    with pytest.raises(
        CommandError,
        match=rf"functions/tiny/{re.escape(name)} did not exist when version 1 .*: remove or rename it, or publish",
    ):
        write_bundle(function, store, lock)
    assert not function.bundle_path.exists()


@pytest.mark.parametrize(
    "name",
    [
        "words.py",  # beside the recorded package, which is asked first
        "words.abi3.so",
        "features/words.txt",  # a folder without __init__ comes after a module of its name
        "features.pyc",
        "features_of_old.py",
        "parts/triple.py",
    ],
)
def test_a_new_file_that_is_not_imported_by_it_does_no_harm(
    function: Function, store: Store, lock: Lock, name: str
) -> None:
    path = function.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("1")
    assert write_bundle(function, store, lock).bundle.sources["features.py"] == digest(FEATURES.encode())
