from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from modelet.dev.progress import Silent
from modelet.dev.project.project import Function
from modelet.dev.publish.source.module import ExportedModule, exported_module, is_module, read_module
from modelet.dev.publish.source.torch_files import LEGACY
from modelet.errors import PublishError
from support.modules import linear, write_module

Make = Callable[..., Function]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    path.write_bytes(LEGACY)
    return path


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((3, 2), np.float32))
    return path


def test_files_of_torch_and_folders_of_exported_modules_are_modules(tmp_path: Path, weights: Path) -> None:
    assert is_module(weights)
    assert is_module(write_module(tmp_path / "exported", linear()))
    texts = tmp_path / "texts"
    texts.mkdir()
    assert not is_module(texts)
    (texts / "export.json").write_text('{"task": "token-classification"}')
    assert not is_module(texts)
    assert not is_module(tmp_path / "missing.pt")


def test_a_checkpoint_beside_a_transformers_configuration_is_a_model_of_texts(tmp_path: Path, weights: Path) -> None:
    checkpoint = weights.rename(tmp_path / "model.ckpt")
    assert is_module(checkpoint)
    (tmp_path / "config.json").write_text("{}")
    assert not is_module(checkpoint)


def test_without_torch_the_command_that_installs_it_is_named(
    make_function: Make, weights: Path, examples: Path
) -> None:
    with (
        pytest.raises(PublishError, match=r"model.pt must be exported first, which needs torch: run `make export`"),
        exported_module(make_function(None), weights, examples, Silent()),
    ):
        pass


def test_the_folder_of_an_exported_module_needs_no_torch(make_function: Make, tmp_path: Path, examples: Path) -> None:
    folder = write_module(tmp_path / "exported", linear())
    with exported_module(make_function(None), folder, examples, Silent()) as found:
        assert found.folder == folder
        assert len(found.fields()) == 3


def test_a_graph_that_was_changed_or_is_missing_is_refused(tmp_path: Path) -> None:
    folder = write_module(tmp_path / "exported", linear())
    content, record = read_module(folder)
    assert (content, record["class"]) == (linear(), "Net")
    (folder / "model.onnx").write_bytes(linear(softmax=True))
    with pytest.raises(PublishError, match=r"model.onnx has changed since it was compared with torch: export"):
        read_module(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(PublishError, match=r"exported has no model.onnx: export the module again"):
        read_module(folder)


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"graph_sha256": "a"})])
def test_a_damaged_record_is_refused(tmp_path: Path, text: str) -> None:
    folder = write_module(tmp_path / "exported", linear())
    (folder / "export.json").write_text(text)
    with pytest.raises(PublishError, match=r"export.json is damaged"):
        read_module(folder)


def test_examples_are_an_array_or_arrays_by_name(tmp_path: Path) -> None:
    rows = np.zeros((3, 2))
    assert list(ExportedModule(folder=tmp_path, examples=rows).fields().values) == [""]
    assert list(ExportedModule(folder=tmp_path, examples={"a": rows, "b": [[1], [2], [3]]}).fields().values) == [
        "a",
        "b",
    ]
