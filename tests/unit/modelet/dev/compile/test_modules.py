"""The author's modules that a version's pickles call may not change after it was published."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelet.bundle import Lock
from modelet.dev.compile.bundle import write_bundle
from modelet.dev.project import Function
from modelet.dev.spec import ModelSpec
from modelet.digest import digest
from modelet.errors import CommandError
from modelet.manifest import Column, Pickled
from modelet.store import Store
from versions import joblib_bytes, regressor, write_version

if TYPE_CHECKING:
    from pathlib import Path

HELPER = "def double(x):\n    return 2 * x\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store((tmp_path / "store").as_uri())


@pytest.fixture
def function(tmp_path: Path) -> Function:
    folder = tmp_path / "functions" / "tiny"
    (folder / "parts").mkdir(parents=True)
    (folder / "model.yaml").write_text("backend: sklearn\n")
    (folder / "parts" / "double.py").write_text(HELPER)
    (folder / "other.py").write_text("")
    return Function(folder, ModelSpec(backend="sklearn"))


@pytest.fixture
def lock(store: Store) -> Lock:
    return write_version(
        store,
        {"model.joblib": joblib_bytes(regressor())},
        columns=(Column("a", "number"), Column("b", "number")),
        model_info={"task": "regression"},
        pickled=Pickled({"sklearn": "scikit-learn"}, {"parts/double.py": digest(HELPER.encode())}),
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
