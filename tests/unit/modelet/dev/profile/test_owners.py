"""Whose an import is, and that nobody's time is lost or counted twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.profile.importtime import Import
from modelet.dev.profile.owners import MODELET, NATIVE, OWNERS, RUNTIME, YOURS, Asked, Ownership

NOTES = [
    ["stage", "client", "1", "2", "3"],
    ["import", "app", "runtime", "", "0"],
    ["import", "pandas", "yours", "app.py", "3"],
    ["import", "numpy", "yours", "app.py", "3"],
    ["import", "pytz", "yours", "app.py", "3"],
    ["import", "pandas", "modelet", "", "0"],
    ["import", "cleaning", "yours", "app.py", "4"],
    ["import", "modelet.backends.onnx", "yours", "app.py", "5"],
    ["import", "onnxruntime", "modelet", "app.py", "5"],
    ["import", "pydantic", "modelet", "app.py", "9"],
    ["compile", "/somewhere/app.py"],
]


@pytest.fixture
def owners(tmp_path: Path) -> Ownership:
    folder = tmp_path / "tiny"
    (folder / "parts").mkdir(parents=True)
    for file in ("app.py", "cleaning.py", "parts/__init__.py"):
        (folder / file).touch()
    return Ownership.of(NOTES, folder, "onnx")


def test_the_first_question_counts(owners: Ownership) -> None:
    assert owners.asked["pandas"] == Asked("yours", "app.py", 3)
    assert owners.where("pandas") == "functions/tiny/app.py:3"
    assert owners.where("app") == owners.where("unknown") == ""
    assert list(owners.asked)[:3] == ["app", "pandas", "numpy"]


@pytest.mark.parametrize(
    ("module", "own"), [("app", True), ("parts", True), ("parts.one", True), ("pandas", False), ("cleaning", True)]
)
def test_a_module_of_the_folder_is_the_author_s(owners: Ownership, module: str, own: bool) -> None:
    assert owners.is_authors(module) is own


def test_what_an_import_pulls_in_is_its_owner_s_but_for_what_modelet_needs_anyway(owners: Ownership) -> None:
    pandas = Import("pandas", 100, [Import("numpy", 50, [Import("pickle", 5)]), Import("pytz", 10)])
    backend = Import("modelet.backends.onnx", 1, [Import("onnxruntime", 20, [Import("platform", 2)])])
    divided = owners.divide([Import("runpy", 3), pandas, Import("cleaning", 1, [Import("re", 4)]), backend])
    assert [(each.module, each.cumulative_us) for each in divided[YOURS]] == [("pandas", 110), ("cleaning", 1)]
    assert [(each.module, each.cumulative_us) for each in divided[MODELET]] == [
        ("numpy", 55),
        ("modelet.backends.onnx", 23),
    ]
    assert [each.module for each in divided[RUNTIME]] == ["runpy", "re"]


def test_pydantic_is_there_for_the_author_s_types(owners: Ownership) -> None:
    core = Import("pydantic_core", 2, [Import(NATIVE, 4)])
    divided = owners.divide([core, Import("pydantic", 9)])
    assert [(each.module, each.cumulative_us) for each in divided[YOURS]] == [("pydantic_core", 2), ("pydantic", 9)]
    assert [each.module for each in divided[MODELET]] == [NATIVE]


NAMES = st.sampled_from(
    ["app", "cleaning", "modelet.contract.schema", "numpy", "numpy.lib", "onnxruntime", "pandas", "pytz", "re"]
)
TREES = st.recursive(
    st.builds(Import, NAMES, st.integers(0, 100)),
    lambda below: st.builds(Import, NAMES, st.integers(0, 100), st.lists(below, max_size=4)),
    max_leaves=20,
)


@given(st.lists(TREES, max_size=4))
def test_every_import_has_one_owner(roots: list[Import]) -> None:
    divided = Ownership.of(NOTES, Path("/nowhere/tiny"), "onnx").divide(roots)
    assert set(divided) == set(OWNERS)
    counted = sorted((each.module, each.self_us) for owner in OWNERS for root in divided[owner] for each in root.walk())
    assert counted == sorted((each.module, each.self_us) for root in roots for each in root.walk())
