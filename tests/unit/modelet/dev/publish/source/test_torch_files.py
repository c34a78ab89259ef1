from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from modelet.dev.publish.source.torch_files import LEGACY, torch_kind


def archive(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name in names:
            made.writestr(name, b"x")
    return path


@pytest.mark.parametrize("suffix", [".pt", ".pt2", ".bin", ".onnx"])
@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("model/data.pkl", "model/version", "model/data/0"), "pickle"),
        (("model/data.pkl", "model/constants.pkl", "model/code/__torch__/net.py"), "script"),
        (("model/models/model.json", "model/archive_format"), "program"),
        (("models/model.json",), "program"),
        (("serialized_exported_program.json", "version"), "program"),
        (("schema.json", "model.skops"), None),
    ],
)
def test_the_content_of_an_archive_says_what_it_is_whatever_its_name(
    tmp_path: Path, names: tuple[str, ...], kind: str | None, suffix: str
) -> None:
    assert torch_kind(archive(tmp_path / f"model{suffix}", *names)) == kind


def test_other_files_are_none_of_torch(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    assert torch_kind(path) is None
    assert torch_kind(tmp_path) is None
    for content in (b"", b"x", b"\x80\x02}q\x00.", b"PK\x03\x04 cut"):
        path.write_bytes(content)
        assert torch_kind(path) is None
    path.write_bytes(LEGACY + b"...")
    assert torch_kind(path) == "pickle"
