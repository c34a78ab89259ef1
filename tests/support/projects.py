"""A tiny project with one function in it, published and bundled: for tests of what serves it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelet.bundle import Lock
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.project import Function, Project
from modelet.settings import Settings
from modelet.store.store import Store
from support.callers import in_process
from support.contexts import Context
from support.versions import classifier, onnx_bytes, write_version

APP = """
from typing import Annotated, Literal
from annotated_types import Ge, Le
from typing_extensions import TypedDict
from modelet import ModelHandler
from modelet.backends.onnx import OnnxModel

class Row(TypedDict):
    a: Annotated[float, Ge(0), Le(1000)]
    b: float

class Label(TypedDict):
    label: Literal["low", "high"]
    probability: float

class TinyModel(OnnxModel[Row, Label]):
    pass

handler = ModelHandler(TinyModel)
"""
SLOW = """
import time
from modelet import Model, ModelHandler
from modelet.errors import StoreError

class Slow(Model[float, float]):
    def infer(self, inputs):
        if inputs[0] < 0:
            raise StoreError("s3://secret-bucket does not answer")
        if inputs[0] > 9:
            raise KeyError("secret")
        time.sleep(inputs[0])
        return inputs

handler = ModelHandler(Slow)
"""
"""A model that sleeps for its instance's seconds, and raises for those below 0 and above 9."""
GOOD = {"a": 4, "b": 2}
BAD = {"a": -1, "b": "x"}


@dataclass
class Tiny:
    """The project, its store and its function."""

    project: Project
    store: Store
    lock: Lock

    @property
    def function(self) -> Function:
        return self.project.function("tiny")

    @property
    def settings(self) -> Settings:
        return Settings(self.function.folder, self.store.url, self.project.root / "tmp")

    def start(self) -> None:
        """Make a handler, as an environment's init does."""
        with in_process(self.function, self.settings):
            pass

    def rebundle(self, **replaced: Any) -> None:
        """Replace members of the bundle."""
        document = json.loads(self.function.bundle_path.read_text())
        self.function.bundle_path.write_text(json.dumps({**document, **replaced}))

    def call(self, event: Any, remaining_ms: int = 10_000) -> Any:
        """Answer one event in a handler made anew."""
        with in_process(self.function, self.settings) as handler:
            return handler(event, Context(remaining_ms))


def make_tiny(root: Path, *, app: str | None = APP, spec: str = "", features_py: str = "", **said: Any) -> Tiny:
    """Write a project below `root`, publish version 1 and bundle it."""
    folder = root / "functions" / "tiny"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(f"backend: onnx\n{spec}")
    if features_py:
        (folder / "features.py").write_text(features_py)
    if app is not None:
        (folder / "app.py").write_text(app)
    project = Project(root)
    store = Store(project.store_url(None))
    lock = write_version(store, {"model.onnx": onnx_bytes(classifier())}, **said)
    write_bundle(project.function("tiny"), store, lock)
    return Tiny(project, store, lock)
