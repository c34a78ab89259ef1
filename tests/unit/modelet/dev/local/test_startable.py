"""What cannot start here is said before anything is started."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path

import pytest

from modelet.dev.local.prepare import generation
from modelet.errors import CommandError, UnknownVersionError
from support.projects import make_tiny
from support.versions import write_version

CUSTOM = """
from modelet import Model, ModelHandler

class Custom(Model[float, float]):
    def load(self, artifacts): ...
    def infer(self, inputs): return inputs

handler = ModelHandler(Custom)
"""
HERE = ".".join(platform.python_version_tuple()[:2])


def generations(root: Path) -> list[Path]:
    return list((root / ".modelet" / "run").glob("*/generation-*"))


def test_a_version_that_can_start_is_taken(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    local = generation(tiny.function, tiny.store, tiny.lock)
    assert local.sources == tiny.function.folder
    assert (local.folder / "app.py").read_bytes() == (tiny.function.folder / "app.py").read_bytes()
    assert generations(tmp_path) == [local.folder.parent]


def test_a_file_of_the_version_that_is_gone_is_named(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    (tmp_path / ".modelet" / "store" / "tiny" / "1" / "model.onnx").unlink()
    with pytest.raises(CommandError, match=r"/store lacks model\.onnx of tiny version 1: copy the version there"):
        generation(tiny.function, tiny.store, tiny.lock)
    assert generations(tmp_path) == []


def test_a_pinned_version_that_is_gone_is_named(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    tiny.function.lock_path.write_text(json.dumps({**tiny.lock._asdict(), "model": "tiny", "version": "7"}))
    with pytest.raises(UnknownVersionError, match=r"no version '7' in file:///.*versions: 1"):
        generation(tiny.function, tiny.store)
    assert generations(tmp_path) == []


def test_a_pickle_of_other_libraries_is_named(tmp_path: Path) -> None:
    runtime = {"python": HERE, "scikit-learn": version("scikit-learn"), "numpy": "1.0.0"}
    tiny = make_tiny(tmp_path, app=CUSTOM)
    lock = write_version(tiny.store, {"model.joblib": b""}, version="2", runtime=runtime)
    said = r"^model\.joblib of tiny version 2 was written with numpy 1\.0\.0, but .+ is installed: install 1\.0\.0"
    with pytest.raises(CommandError, match=said):
        generation(tiny.function, tiny.store, lock)
    lock = write_version(tiny.store, {"model.joblib": b""}, version="3", runtime={**runtime, "numpy": version("numpy")})
    generation(tiny.function, tiny.store, lock)


def test_what_is_wrong_in_the_code_is_said_with_the_author_s_path(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    (tiny.function.folder / "app.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(CommandError) as caught:
        generation(tiny.function, tiny.store, tiny.lock)
    assert str(caught.value).startswith(f"{tiny.function.folder}/app.py cannot be imported: ModuleNotFoundError")
    assert generations(tmp_path) == []
