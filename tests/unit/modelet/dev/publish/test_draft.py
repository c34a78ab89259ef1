"""Drafts: versions that are opened before they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelet.dev.publish.draft import draft, listed
from modelet.digest import digest
from modelet.errors import ArtifactError, StoreError
from modelet.store.manifest import ArtifactFile

if TYPE_CHECKING:
    from modelet.dev.publish.draft import Package


def test_a_draft_hands_out_its_files_while_it_lasts(packed: Package) -> None:
    with draft(packed.manifest, packed.files) as artifacts:
        assert artifacts.read("model.onnx") == b"graph"
        assert artifacts.json("labels.json") == []
        path = artifacts.path("model.onnx")
        assert path.read_bytes() == b"graph"
    assert not path.exists()
    with pytest.raises((ArtifactError, StoreError)):
        artifacts.read("model.onnx")


def test_a_draft_s_files_are_checked_as_those_of_a_version(packed: Package) -> None:
    wrong = packed.manifest._replace(files=listed({"labels.json": b"[]\n", "model.onnx": b"grape"}))
    with draft(wrong, packed.files) as artifacts, pytest.raises(ArtifactError, match=r"model.onnx.*SHA-256"):
        artifacts.read("model.onnx")


def test_files_are_listed_in_order_with_their_digests() -> None:
    assert listed({"b": b"1", "a": b""}) == (ArtifactFile("a", 0, digest(b"")), ArtifactFile("b", 1, digest(b"1")))
