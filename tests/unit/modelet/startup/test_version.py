"""A version that was opened ahead is the one that is served, once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from modelet.bundle import Bundle
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.project import Project
from modelet.errors import BundleError
from modelet.handler import ModelHandler
from modelet.publishing import resolve_lock
from modelet.startup.version import is_opened_and_compiled, open_early, open_pinned
from modelet.store.manifest import Column
from modelet.store.store import Store
from support.callers import in_process
from support.projects import Tiny, make_tiny


def test_a_handler_takes_what_was_opened_ahead(tiny: Tiny) -> None:
    with in_process(tiny.function, tiny.settings) as handler:
        open_early(tiny.settings)
        tiny.function.bundle_path.unlink()
        handler.load(tiny.settings)
        with pytest.raises(BundleError, match="is missing"):  # once: a second handler opens for itself
            handler.load(tiny.settings)


def test_a_handler_with_other_settings_opens_for_itself(tiny: Tiny, tmp_path: Path) -> None:
    other = tiny.settings._replace(tmp=tmp_path / "other")
    open_early(other)
    opened = open_pinned(tiny.settings)
    assert opened.settings == tiny.settings
    assert open_pinned(other).settings == other


def test_only_a_version_opened_ahead_tells_that_nobody_reads_the_types(tiny: Tiny) -> None:
    compiled = None not in Bundle.read(tiny.function.bundle_path, tiny.function.folder).contract.values()
    assert is_opened_and_compiled() is False
    open_early(tiny.settings)
    assert is_opened_and_compiled() is compiled
    open_pinned(tiny.settings)
    assert is_opened_and_compiled() is False


APP = """
from enum import Enum
from modelet import ModelHandler
from modelet.typing import Ge, Len, TypedDict
from modelet.backends.onnx import OnnxModel
from typing import Annotated

class Unit(Enum):
    CM = "cm"

class Row(TypedDict):
    a: Annotated[float, Ge(0)]
    b: float
    units: Annotated[list[Unit], Len(1, 2)]

class Label(TypedDict):
    label: str
    probability: float

class Tiny(OnnxModel[Row, Label]):
    pass

handler = ModelHandler(Tiny)
"""
SCRIPT = """
import json, sys
sys.path.insert(0, ".")
import modelet.app
contract = modelet.app.handler.service.pipeline.contract
rows = [{"a": 1, "b": 2, "units": ["cm"]}, {"a": -1, "b": 2, "units": []}]
print(json.dumps([sorted(checked.failed) for checked in [contract.check_rows(rows)]]))
"""


def test_a_contract_that_needs_pydantic_keeps_its_constraints_through_the_entry_point(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, app=APP)
    environment = {
        "LAMBDA_TASK_ROOT": str(tiny.function.folder),
        "MODELET_STORE": tiny.store.url,
        "PYTHONPATH": str(Path(sys.modules["modelet"].__path__[0]).parent),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tiny.function.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[1]]


def test_a_folder_without_an_app_is_served_by_the_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = make_tiny(tmp_path, app=None, columns=(Column("a", "number"), Column("b", "number")))
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tiny.function.folder))
    monkeypatch.setenv("MODELET_STORE", tiny.store.url)
    import modelet.app

    assert isinstance(modelet.app.handler, ModelHandler)
    assert modelet.app.handler.service.name == "tiny"
    monkeypatch.delitem(sys.modules, "modelet.app")


RULES = """
from modelet import ModelHandler
from modelet.backends.python import RuleModel

class Rules(RuleModel[int, bool]):
    def decide(self, instance):
        return instance > 3

handler = ModelHandler(Rules)
"""
STARTED = """
import json, sys
from modelet.app import handler
from support.contexts import Context
print(json.dumps([handler(4, Context()), sorted({"obstore", "numpy", "pydantic"} & sys.modules.keys())]))
"""


def test_a_version_that_is_code_starts_without_a_connection_to_its_store(tmp_path: Path) -> None:
    folder = tmp_path / "functions" / "rules"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text("version: code\nbackend: python\n")
    (folder / "app.py").write_text(RULES)
    function = Project(tmp_path).function("rules")
    store = Store((tmp_path / "store").as_uri())
    write_bundle(function, store, resolve_lock(function, store))
    environ = {
        "LAMBDA_TASK_ROOT": str(folder),
        "MODELET_STORE": "s3://a-bucket-that-does-not-exist/models",
        "PYTHONPATH": ":".join([str(folder), *sys.path]),
    }
    done = subprocess.run(
        [sys.executable, "-c", STARTED], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [True, []]
