"""Writing a version's files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from modelet.dev.progress import Silent
from modelet.dev.publish import write as module
from modelet.dev.publish.claim import Owned
from modelet.dev.publish.write import check_same, finish, put, write_version
from modelet.errors import PublishError, VersionExistsError
from modelet.registry.listing import versions
from modelet.store.manifest import ArtifactFile

if TYPE_CHECKING:
    from modelet.dev.publish.draft import Package
    from modelet.store.store import Store


class Heard(Silent):
    """Remembers the advance."""

    def __init__(self) -> None:
        self.advances: list[tuple[int, int]] = []

    def advance(self, done: int, total: int) -> None:
        self.advances.append((done, total))


def owned(packed: Package, *, resumed: bool = False) -> Owned:
    return Owned("1", packed.manifest_of("1", "2026-11-20T00:00:00Z"), resumed)


def test_files_are_written_and_counted_and_then_the_version_is_there(store: Store, packed: Package) -> None:
    heard = Heard()
    write_version(store, packed.manifest, packed.files, owned(packed), heard)
    assert store.paths("tiny") == ["tiny/1/labels.json", "tiny/1/model.json", "tiny/1/model.onnx"]
    assert versions(store, "tiny") == ["1"]
    assert heard.advances == [(3, 8), (8, 8)]


def test_what_a_publisher_before_wrote_is_kept_if_it_is_the_same(store: Store, packed: Package) -> None:
    store.write_once("tiny/1/model.onnx", b"graph")
    write_version(store, packed.manifest, packed.files, owned(packed, resumed=True), Silent())
    assert versions(store, "tiny") == ["1"]


def test_another_file_in_the_place_ends_it_before_the_version_is_there(store: Store, packed: Package) -> None:
    store.write_once("tiny/1/model.onnx", b"other")
    with pytest.raises(PublishError, match=r"model.onnx.*another file is in its place"):
        write_version(store, packed.manifest, packed.files, owned(packed, resumed=True), Silent())
    assert versions(store, "tiny") == []


def test_large_files_are_checked_on_disk(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MEMORY_LIMIT", 3)
    file = ArtifactFile("model.onnx", 5, hashlib.sha256(b"graph").hexdigest())
    store.write_once("tiny/1/model.onnx", b"graph")
    put(store, "tiny/1/model.onnx", file, b"graph")
    with pytest.raises(PublishError):
        check_same(store, "tiny/1/model.onnx", ArtifactFile("model.onnx", 5, "0" * 64))


def test_of_two_who_finish_the_same_version_the_resumer_yields(store: Store, packed: Package) -> None:
    mine = owned(packed)
    assert finish(store, "tiny", "1", mine.manifest)
    assert not finish(store, "tiny", "1", mine.manifest)
    write_version(store, packed.manifest, packed.files, mine, Silent())
    with pytest.raises(VersionExistsError, match="has just been published by another process"):
        write_version(store, packed.manifest, packed.files, owned(packed, resumed=True), Silent())
    with pytest.raises(VersionExistsError):
        finish(store, "tiny", "1", b"another")
