"""`version: code`: pinning writes the version of the code, and there is nothing else to publish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelet.bundle import Lock
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.bundle.code import code_version
from modelet.dev.local.prepare import local_function, lock_for
from modelet.dev.local.runtime.once import invoke_once
from modelet.dev.project.project import Function, Project
from modelet.dev.publish.code import code_lock
from modelet.errors import CommandError, PublishError, SpecError, UnknownVersionError
from modelet.publishing import pin, publish
from modelet.registry.listing import read_manifest, versions
from modelet.store.store import Store

APP = """
from modelet import ModelHandler
from modelet.backends.python import RuleModel

class Rules(RuleModel[int, bool]):
    def decide(self, instance):
        return instance > 3

handler = ModelHandler(Rules)
"""


@pytest.fixture
def function(tmp_path: Path) -> Function:
    folder = tmp_path / "functions" / "rules"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text("version: code\nbackend: python\n")
    (folder / "app.py").write_text(APP)
    return Project(tmp_path).function("rules")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store((tmp_path / "store").as_uri())


def test_pinning_writes_a_version_without_files(function: Function, store: Store) -> None:
    lock = pin(function, store)
    manifest, sha256 = read_manifest(store, "rules", lock.version)
    assert lock == Lock(code_version(function), sha256) == function.lock()
    assert (manifest.files, manifest.model_data, manifest.model_info["task"]) == ((), "", "code")


def test_the_same_code_has_the_same_lock_in_every_store(function: Function, store: Store, tmp_path: Path) -> None:
    other = Store((tmp_path / "other").as_uri())
    assert code_lock(function, store) == code_lock(function, store) == code_lock(function, other)
    assert versions(store, "rules") == versions(other, "rules") == [code_version(function)]


def test_publishing_says_the_version_of_the_code(function: Function, store: Store) -> None:
    assert publish(function, store).version == code_version(function)
    assert publish(function, store).version == code_version(function)


@pytest.mark.parametrize("said", [{"version": "3"}, {"from_file": Path("m.onnx"), "examples": Path("rows.csv")}])
def test_publishing_something_else_is_refused(function: Function, store: Store, said: dict[str, Any]) -> None:
    with pytest.raises(PublishError, match="has version: code, so there is nothing to publish with"):
        publish(function, store, **said)
    assert versions(store, "rules") == []


def test_a_lock_of_other_code_is_not_bundled(function: Function, store: Store) -> None:
    lock = pin(function, store)
    write_bundle(function, store, lock)
    (function.folder / "app.py").write_text(APP.replace("> 3", "> 4"))
    with pytest.raises(CommandError, match=f"but model.lock pins {lock.version}: run `modelet pin rules`"):
        write_bundle(function, store, lock)


def test_on_this_machine_the_code_is_served_as_it_is_whatever_is_pinned(function: Function, store: Store) -> None:
    pin(function, store)
    (function.folder / "app.py").write_text(APP.replace("> 3", "> 4"))
    assert lock_for(function, store).version == code_version(function)
    answered = invoke_once(local_function(function, store), b'{"instances": [4, 5]}').payload
    assert b'"predictions":[false,true]' in answered.replace(b" ", b"")
    assert code_version(function).encode() in answered


def test_another_version_cannot_be_pinned(function: Function, store: Store) -> None:
    now = code_version(function)
    with pytest.raises(UnknownVersionError, match=f"the code is {now}, not code-0: restore that code"):
        pin(function, store, "code-0")
    assert pin(function, store, now) == pin(function, store, "code")


def test_an_estimator_is_not_published_for_it(function: Function, store: Store) -> None:
    (function.folder / "model.yaml").write_text("backend: python\n")
    (function.folder / "train.py").write_text(
        "from sklearn.linear_model import LinearRegression\n"
        "from modelet.publishing import Trained\n"
        "def train():\n"
        "    rows = [[float(i)] for i in range(20)]\n"
        "    return Trained(estimator=LinearRegression().fit(rows, range(20)), examples=rows, metrics={}, metric='')\n"
    )
    with pytest.raises(PublishError, match="has backend: python, which serves no estimator"):
        publish(Project(function.folder.parents[1]).function("rules"), store)


def test_files_in_the_image_need_a_version_with_files(function: Function) -> None:
    (function.folder / "model.yaml").write_text("version: code\nartifact: baked\n")
    with pytest.raises(SpecError, match="version: code has none: remove it"):
        Project(function.folder.parents[1]).function("rules")
