"""Projects with one plain predictor, whose version is its code."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.project import Function, Project
from modelet.dev.publish.code import code_lock
from modelet.handler import ModelHandler
from modelet.settings import Settings
from modelet.store.store import Store
from support.callers import in_process
from support.contexts import Context
from support.events import http_event

NAME = "tool"
INFER = f"/models/{NAME}/infer"


def make(
    root: Path, code: str, said: str = "predictor: {module: predictor, class: Predictor}", **files: str
) -> Function:
    """Write functions/tool with predictor.py, or app.py if nothing is said of a predictor; bundle it.

    said: more of its model.yaml. files: others by name, with _ for the dot.
    """
    folder = root / "functions" / NAME
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(f"version: code\nbackend: python\n{said}\n")
    (folder / ("predictor.py" if "predictor:" in said else "app.py")).write_text(code)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    project = Project(root)
    function, store = project.function(NAME), Store(project.store_url(None))
    write_bundle(function, store, code_lock(function, store))
    return function


@contextmanager
def opened(function: Function) -> Iterator[ModelHandler]:
    """The function's handler, loaded in this process."""
    root = function.folder.parents[1]
    with in_process(function, Settings(function.folder, Project(root).store_url(None), root / "tmp")) as handler:
        yield handler


def call(handler: ModelHandler, body: Any = None, path: str = INFER, method: str = "POST", **headers: str) -> Any:
    """Answer an HTTP event: status, content type, and the body: JSON as its value, bytes if they came as base64."""
    response = handler(http_event(method, path, body, **headers), Context())
    kind = response["headers"].get("content-type", "")
    text = response["body"]
    value: Any = base64.b64decode(text) if response["isBase64Encoded"] else text
    if "json" in kind and isinstance(value, str):
        value = json.loads(value)
    return response["statusCode"], kind, value
