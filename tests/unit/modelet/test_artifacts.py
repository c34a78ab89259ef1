"""Artifacts: nothing is handed out that is not what was pinned."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modelet.errors import (
    ArtifactError,
    ManifestError,
)
from tiny import Tiny


@pytest.mark.parametrize("keep", [0, 1, 100])
def test_a_truncated_manifest_fails_the_init(tiny: Tiny, tmp_path: Path, keep: int) -> None:
    path = tmp_path / ".modelet" / "store" / "tiny" / "1" / "model.json"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ManifestError, match=r"tiny/1/model\.json"):
        tiny.start()


def test_a_missing_version_fails_the_init(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / ".modelet" / "store" / "tiny" / "1" / "model.json").unlink()
    with pytest.raises(ManifestError, match="is missing"):
        tiny.start()


def test_a_flipped_byte_in_an_artifact_fails_the_init_and_names_the_file(tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / ".modelet" / "store" / "tiny" / "1" / "model.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=r"model\.onnx.*SHA-256"):
        tiny.start()


def test_a_manifest_of_another_version_is_not_served_under_the_pinned_one(tiny: Tiny, tmp_path: Path) -> None:
    store = tmp_path / ".modelet" / "store" / "tiny"
    shutil.copytree(store / "1", store / "3")
    tiny.rebundle(lock={"version": "3", "manifest_sha256": tiny.lock.manifest_sha256})
    with pytest.raises(ManifestError, match="says it is version 1 of tiny"):
        tiny.start()
