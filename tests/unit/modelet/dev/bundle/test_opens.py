"""A version that the function's class cannot open is refused when it is bundled."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelet.dev.bundle.bundle import write_bundle
from modelet.errors import CommandError
from modelet.store.manifest import Column
from support.projects import APP, make_tiny

COLUMNS = (Column("a", "number"), Column("b", "number"))
CURE = "or run `modelet publish tiny` and `modelet pin tiny`"


def refused(tmp_path: Path, *, app: str | None, changed: dict[str, str]) -> str:
    tiny = make_tiny(tmp_path, app=app, columns=COLUMNS)
    for name, text in changed.items():
        (tiny.function.folder / name).write_text(text)
    with pytest.raises(CommandError) as caught:
        write_bundle(tiny.function, tiny.store, tiny.lock)
    return str(caught.value)


def test_a_backend_that_was_changed_after_the_pin_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path, app=None, changed={"model.yaml": "backend: sklearn\n"}) == (
        "functions/tiny/model.yaml has backend: sklearn, which cannot open model.onnx of version 1: "
        f"change backend, {CURE}"
    )


def test_a_class_of_another_backend_is_named(tmp_path: Path) -> None:
    changed = APP.replace("backends.onnx import OnnxModel", "backends.sklearn import SklearnModel")
    said = refused(tmp_path, app=APP, changed={"app.py": changed.replace("(OnnxModel", "(SklearnModel")})
    assert said == (
        "functions/tiny/app.py has TinyModel, which cannot open model.onnx of version 1: "
        f"use another backend's class, {CURE}"
    )


def test_a_class_with_its_own_load_opens_what_it_likes(tmp_path: Path) -> None:
    own = APP.replace("    pass\n", "    def load(self, artifacts): ...\n")
    tiny = make_tiny(tmp_path, app=own.replace("onnx import OnnxModel", "sklearn import SklearnModel as OnnxModel"))
    assert tiny.function.bundle_path.is_file()
