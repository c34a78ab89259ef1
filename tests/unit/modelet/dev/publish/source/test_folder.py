"""`--from` with a folder: an exported one is used as it is, another is exported by a Python with torch."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from modelet.dev.progress import Silent
from modelet.dev.publish.source.folder import exported, is_text_model, read_texts
from modelet.errors import PublishError
from support.texts import LABELS, scores, token_graph, write_export

GRAPH = token_graph(scores(LABELS, {}))


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("서울에 갑니다\n\n오늘\n", encoding="utf-8")
    return path


def test_folders_and_checkpoints_are_models_of_texts(tmp_path: Path) -> None:
    assert is_text_model(tmp_path)
    assert is_text_model(tmp_path / "best.ckpt")
    assert not is_text_model(tmp_path / "model.onnx")


def test_an_exported_folder_needs_no_torch(tmp_path: Path, examples: Path) -> None:
    folder = write_export(tmp_path / "bert", GRAPH)
    with exported(folder, examples, Silent(), tmp_path) as found:
        assert found.folder == folder
        assert found.examples == ["서울에 갑니다", "오늘"]


def test_without_the_environment_the_remedy_is_named(tmp_path: Path, examples: Path) -> None:
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "config.json").touch()
    with (
        pytest.raises(
            PublishError, match="bert must be exported first, which needs torch: run `make export`, and publ"
        ),
        exported(tmp_path / "bert", examples, Silent(), tmp_path),
    ):
        pass


def test_the_last_line_of_a_failed_export_is_its_reason(tmp_path: Path, examples: Path) -> None:
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "config.json").touch()
    python = tmp_path / ".tools/export/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('some warning\\nerror: config.json is missing')\n")
    python.chmod(0o755)
    with (
        pytest.raises(PublishError, match=r"^bert cannot be exported: config\.json is missing$"),
        exported(tmp_path / "bert", examples, Silent(), tmp_path),
    ):
        pass


@pytest.mark.parametrize("name", ["data", "data/best.ckpt"])
def test_a_folder_that_is_no_model_says_what_it_lacks(tmp_path: Path, examples: Path, name: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "best.ckpt").touch()
    with (
        pytest.raises(PublishError, match=r"^data has neither export\.json nor config\.json: .*; give such a folder"),
        exported(tmp_path / name, examples, Silent(), tmp_path),
    ):
        pass


def test_a_checkpoint_that_does_not_exist_is_named(tmp_path: Path, examples: Path) -> None:
    with (
        pytest.raises(PublishError, match=r"best\.ckpt does not exist: give the path of a checkpoint"),
        exported(tmp_path / "best.ckpt", examples, Silent(), tmp_path),
    ):
        pass


@pytest.mark.parametrize("name", ["texts.csv", "texts.tsv", "texts.jsonl", "texts"])
def test_a_table_is_not_read_as_lines_of_text(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("sentence,label\na,1\n")
    with pytest.raises(PublishError, match=rf"^{name} is neither a \.json nor a \.txt file: write the examples"):
        read_texts(tmp_path / name)


def test_texts_are_lines_or_json(tmp_path: Path) -> None:
    path = tmp_path / "texts.json"
    path.write_text(json.dumps(["a", {"sentence": "b"}]))
    assert read_texts(path) == ["a", {"sentence": "b"}]
    for content, said in (('{"a": 1}', "is not a list"), ("[", "cannot be read")):
        path.write_text(content)
        with pytest.raises(PublishError, match=rf"texts\.json {said}"):
            read_texts(path)
