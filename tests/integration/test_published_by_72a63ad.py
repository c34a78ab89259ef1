"""Versions and locks that an earlier modelet published: they answer as they did, or are refused with what to do."""

from __future__ import annotations

import json
import re
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from modelet.bundle import Bundle
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.local.prepare import lock_for
from modelet.dev.project.project import Function, Project
from modelet.errors import ArtifactError, BundleError
from modelet.registry.listing import read_manifest
from modelet.settings import Settings
from modelet.store.store import Store
from support.callers import in_process
from support.contexts import Context
from support.events import http_event
from support.repository import ROOT

KEPT = ROOT / "tests" / "fixtures" / "published_by_72a63ad"
ANSWERS: dict[str, list[dict[str, Any]]] = json.loads((KEPT / "answers.json").read_text())
LIBRARIES = ("scikit-learn", "numpy", "joblib")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy of the project, with its store where `modelet` looks for it."""
    shutil.copytree(KEPT / "functions", tmp_path / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(KEPT / "store", tmp_path / ".modelet" / "store")
    return Project(tmp_path)


def written_here(function: Function, store: Store) -> bool:
    """Whether a pickle was written by the libraries and the Python that this process has."""
    written = dict(read_manifest(store, function.name, "1")[0].runtime)
    here = {library: version(library) for library in LIBRARIES}
    here["python"] = f"{sys.version_info.major}.{sys.version_info.minor}"
    return written.items() >= here.items()


def ask(function: Function, store: Store, tmp: Path) -> list[tuple[int, Any]]:
    """Bundle a function and send it what was asked then."""
    write_bundle(function, store, lock_for(function, store))
    found = []
    with in_process(function, Settings(function.folder, store.url, tmp)) as handler:
        for asked in ANSWERS[function.folder.name]:
            response = handler(http_event("POST", asked["path"], asked["body"]), Context())
            found.append((response["statusCode"], json.loads(response["body"])))
    return found


def is_same(found: Any, expected: Any) -> bool:
    """Whether two answers are equal but for what processors compute differently."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and is_same(sorted(found.items()), sorted(expected.items()))
    if isinstance(expected, list | tuple):
        same_kind = isinstance(found, list | tuple) and len(found) == len(expected)
        return same_kind and all(is_same(one, other) for one, other in zip(found, expected, strict=True))
    return bool(found == (pytest.approx(expected, rel=1e-5) if isinstance(expected, float) else expected))


def test_there_is_one_of_each_kind() -> None:
    folders = {path.parent.name for path in (KEPT / "functions").glob("*/model.lock")}
    assert folders == ANSWERS.keys()
    assert all({200, 422} == {asked["status"] for asked in answers} for answers in ANSWERS.values())


@pytest.mark.parametrize("folder", sorted(ANSWERS))
def test_a_version_answers_as_when_it_was_published(folder: str, project: Project, tmp_path: Path) -> None:
    function, store = project.function(folder), Store(project.store_url(None))
    if function.spec.backend == "sklearn" and not written_here(function, store):
        with pytest.raises(
            ArtifactError, match=r"was written with .*: pin .* in requirements.txt, or publish the model"
        ):
            ask(function, store, tmp_path)
        return
    found = ask(function, store, tmp_path)
    assert [status for status, _ in found] == [asked["status"] for asked in ANSWERS[folder]]
    for (_, answer), asked in zip(found, ANSWERS[folder], strict=True):
        if asked["status"] == 200:
            assert is_same(answer, asked["answer"]), asked["body"]


@pytest.mark.parametrize("folder", sorted(ANSWERS))
def test_a_lock_still_pins_the_version_that_it_pinned(folder: str, project: Project) -> None:
    from modelet.publishing import pin

    function, store = project.function(folder), Store(project.store_url(None))
    before = function.lock_path.read_bytes()
    assert pin(function, store, "1") == function.lock()
    assert function.lock_path.read_bytes() == before


def test_a_bundle_is_read_or_refused_with_the_command_that_makes_a_new_one(project: Project) -> None:
    function = project.function("flower_own")
    shutil.copy(KEPT / "bundles" / "flower_own.json", function.bundle_path)
    try:
        bundle = Bundle.read(function.bundle_path, function.folder)
    except BundleError as error:
        assert re.search(r"run `modelet bundle\b", str(error))  # noqa: PT017 - either is right
    else:
        assert bundle.lock == function.lock()
