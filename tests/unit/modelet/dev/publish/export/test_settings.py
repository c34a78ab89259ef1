"""The small JSON files beside a model's weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelet.dev.publish.export.settings import read_object, read_objects
from modelet.errors import PublishError


def test_a_missing_file_says_nothing(tmp_path: Path) -> None:
    assert read_object(tmp_path / "a.json") == {}
    assert read_objects(tmp_path / "a.json") == []


@pytest.mark.parametrize("text", ["[1]", "3", "{"])
def test_a_file_of_another_form_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    for read in (read_object, read_objects):
        with pytest.raises(PublishError, match=r"^a\.json (is not a JSON|cannot be read).*: save the model again$"):
            read(tmp_path / "a.json")


def test_objects_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1}')
    (tmp_path / "b.json").write_text('[{"a": 1}]')
    assert read_object(tmp_path / "a.json") == {"a": 1}
    assert read_objects(tmp_path / "b.json") == [{"a": 1}]
