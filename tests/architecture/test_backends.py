"""The register of backends, and what is held equal to it: the extras, the import contracts, the commands."""

from __future__ import annotations

import json
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from modelet.backends import BACKENDS, DEFAULT, Backend, resolve
from modelet.dev.scaffold.scaffold import TEMPLATES
from modelet.model import Model

ROOT = Path(__file__).parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = {each["name"]: each for each in PYPROJECT["tool"]["importlinter"]["contracts"]}
RECORDS = list(BACKENDS.values())


def names(requirements: list[str]) -> set[str]:
    """The names of those that are installed on this machine."""
    found = map(Requirement, requirements)
    return {each.name for each in found if each.marker is None or each.marker.evaluate()}


def module_of(record: Backend) -> str:
    return record.model.partition(":")[0]


@pytest.fixture(params=RECORDS, ids=lambda record: record.name)
def record(request: pytest.FixtureRequest) -> Backend:
    found: Backend = request.param
    return found


def test_the_default_is_a_backend() -> None:
    assert DEFAULT in BACKENDS


def test_a_record_names_a_model_class_and_what_makes_its_versions(record: Backend) -> None:
    assert issubclass(resolve(record.model), Model)
    assert callable(resolve(record.maker))


def test_no_two_backends_open_the_same_files() -> None:
    assert len({record.ending for record in RECORDS}) == len(RECORDS)


def test_its_extra_installs_its_libraries(record: Backend) -> None:
    extra = PYPROJECT["project"]["optional-dependencies"][record.name]
    assert names(extra) == set(record.libraries.values())


def test_its_libraries_are_named_as_they_are_installed(record: Backend) -> None:
    installed = packages_distributions()
    assert all(library in installed[module] for module, library in record.libraries.items())


def test_what_is_checked_is_one_of_its_libraries(record: Backend) -> None:
    assert set(record.checked) <= set(record.libraries.values())


def test_only_it_and_publish_import_its_libraries(record: Backend) -> None:
    contract = CONTRACTS["A framework only in its backend and in publish"]
    fenced = set(record.libraries) - {"numpy"}  # which all of them share
    assert fenced <= set(contract["forbidden_modules"])
    assert {f"{module_of(record)} -> {module}" for module in fenced} <= set(contract["ignore_imports"])


def test_backends_do_not_know_each_other() -> None:
    assert CONTRACTS["Backends do not know each other"]["modules"] == [module_of(record) for record in RECORDS]


def test_there_are_templates_for_a_new_model_of_it(record: Backend) -> None:
    if not record.ending:
        assert record.name in {json.loads(path.read_text())["backend"] for path in TEMPLATES.glob("kinds/*/*.json")}
        return
    assert {"app.py.tmpl", "train.py.tmpl", "requirements.txt.tmpl"} <= {
        path.name for path in (TEMPLATES / record.name).iterdir()
    }
