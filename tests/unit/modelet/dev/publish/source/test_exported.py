"""The record of an exported folder: it belongs to the files beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelet.dev.publish.source.exported import read_record
from modelet.errors import PublishError
from support.texts import LABELS, scores, token_graph, write_export

GRAPH = token_graph(scores(LABELS, {}))


def test_the_record_says_what_was_exported(tmp_path: Path) -> None:
    assert read_record(write_export(tmp_path, GRAPH))["labels"] == list(LABELS)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "export.json"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (write_export(tmp_path / "bert", GRAPH) / name).unlink()
    with pytest.raises(PublishError, match=f"bert has no {name}: export the model again"):
        read_record(tmp_path / "bert")


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_file_that_was_not_compared_with_torch_is_refused(tmp_path: Path, name: str) -> None:
    path = write_export(tmp_path / "bert", GRAPH) / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(PublishError, match=f"bert/{name} has changed since it was compared with torch: export"):
        read_record(tmp_path / "bert")


def test_a_damaged_record_is_refused(tmp_path: Path) -> None:
    (write_export(tmp_path / "bert", GRAPH) / "export.json").write_text("{}")
    with pytest.raises(PublishError, match=r"bert/export\.json is damaged"):
        read_record(tmp_path / "bert")
