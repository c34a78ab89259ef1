"""Artifacts: nothing is handed out that is not what was pinned."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from threading import Event, Timer

import pytest

from modelet.digest import digest
from modelet.errors import ArtifactError, ManifestError
from modelet.store.artifacts import MEMORY_LIMIT, Artifacts
from modelet.store.manifest import ArtifactFile
from support.projects import Tiny
from support.services import manifest


@pytest.mark.parametrize("keep", [0, 1, 100])
def test_a_truncated_manifest_fails_the_init(tiny: Tiny, keep: int) -> None:
    manifest = json.loads(tiny.function.bundle_path.read_text())["manifest"]
    tiny.rebundle(manifest=manifest[:keep])
    with pytest.raises(ManifestError, match="manifest of tiny version 1 is not the pinned one"):
        tiny.start()


def test_a_missing_version_fails_the_init(tiny: Tiny, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / ".modelet" / "store" / "tiny" / "1")
    with pytest.raises(ArtifactError, match=r"tiny/1/model\.onnx is missing"):
        tiny.start()


def test_a_flipped_byte_in_an_artifact_fails_the_init_and_names_the_file(tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / ".modelet" / "store" / "tiny" / "1" / "model.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=r"model\.onnx.*SHA-256"):
        tiny.start()


def test_a_manifest_of_another_version_is_not_served_under_the_pinned_one(tiny: Tiny) -> None:
    tiny.rebundle(lock={"version": "3", "manifest_sha256": tiny.lock.manifest_sha256})
    with pytest.raises(ManifestError, match="is the manifest of tiny version 1"):
        tiny.start()


class Shelf:
    """A source in memory that answers when it is told to, and remembers what it was asked."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.url = "memory:///"
        self.asked: list[str] = []
        self.answers = Event()
        self._files = files

    def fetch(self, path: str, size: int, sha256: str) -> bytes:
        self.asked.append(path)
        assert self.answers.wait(10)
        if (data := self._files.get(path)) is None:
            raise ArtifactError(f"{path}: is missing")
        assert (len(data), digest(data)) == (size, sha256)
        return data

    def fetch_to(self, path: str, target: Path, size: int, sha256: str) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.fetch(path, size, sha256))
        return target


def shelved(tmp_path: Path, files: dict[str, bytes], missing: str = "") -> tuple[Shelf, Artifacts]:
    listed = tuple(ArtifactFile(path, len(data), digest(data)) for path, data in files.items())
    shelf = Shelf({f"tiny/3/{path}": data for path, data in files.items() if path != missing})
    return shelf, Artifacts(shelf, manifest(files=listed), tmp_path)


def test_files_are_asked_for_before_anybody_reads_them(tmp_path: Path) -> None:
    shelf, artifacts = shelved(tmp_path, {"labels.json": b"[1]", "model.onnx": b"graph"})
    artifacts.prefetch()
    shelf.answers.set()
    assert (artifacts.read("model.onnx"), artifacts.json("labels.json")) == (b"graph", [1])
    assert sorted(shelf.asked) == ["tiny/3/labels.json", "tiny/3/model.onnx"]
    assert artifacts.read("model.onnx") == b"graph"
    assert len(shelf.asked) == 3  # what was read is not kept


def test_what_went_wrong_ahead_is_said_to_whoever_reads_the_file(tmp_path: Path) -> None:
    shelf, artifacts = shelved(tmp_path, {"labels.json": b"[1]", "model.onnx": b"graph"}, missing="labels.json")
    artifacts.prefetch()
    shelf.answers.set()
    assert artifacts.read("model.onnx") == b"graph"
    with pytest.raises(ArtifactError, match=r"labels\.json: is missing"):
        artifacts.read("labels.json")


def test_what_waits_is_counted_as_waiting(tmp_path: Path) -> None:
    shelf, artifacts = shelved(tmp_path, {"model.onnx": b"graph"})
    artifacts.prefetch()
    Timer(0.05, shelf.answers.set).start()
    artifacts.read("model.onnx")
    assert artifacts.waited_s >= 0.04


def test_a_main_file_too_large_for_memory_comes_to_disk_ahead(tmp_path: Path) -> None:
    large = b"\0" * (MEMORY_LIMIT + 1)
    shelf, artifacts = shelved(tmp_path, {"model.onnx": large, "labels.json": b"[1]"})
    artifacts.prefetch()
    shelf.answers.set()
    assert artifacts.is_large("model.onnx")
    assert artifacts.path("model.onnx").stat().st_size == len(large)
    assert artifacts.json("labels.json") == [1]
    assert len(shelf.asked) == 2


def test_files_beyond_the_memory_for_all_of_them_are_asked_for_when_they_are_read(tmp_path: Path) -> None:
    half = b"\0" * (MEMORY_LIMIT // 2 + 1)
    shelf, artifacts = shelved(tmp_path, {"model.onnx": half, "other.bin": half})
    shelf.answers.set()
    artifacts.prefetch()
    artifacts.read("model.onnx")
    assert shelf.asked == ["tiny/3/model.onnx"]
    assert artifacts.read("other.bin") == half


def test_what_nobody_has_asked_for_is_forgotten(tmp_path: Path) -> None:
    shelf, artifacts = shelved(tmp_path, {"model.onnx": b"graph"})
    shelf.answers.set()
    artifacts.prefetch()
    artifacts.drop_prefetched()
    assert artifacts.read("model.onnx") == b"graph"
    assert len(shelf.asked) == 2


def test_so_many_files_are_asked_for_ahead_and_the_rest_when_they_are_read(tmp_path: Path) -> None:
    shelf, artifacts = shelved(tmp_path, {"model.onnx": b"graph", **{f"{place}.txt": b"x" for place in range(40)}})
    shelf.answers.set()
    artifacts.prefetch()
    assert {artifacts.text(f"{place}.txt") for place in range(40)} == {"x"}
    artifacts.read("model.onnx")
    assert len(shelf.asked) == 41


def test_a_file_that_came_to_memory_is_kept_where_a_path_is_asked_for(tmp_path: Path) -> None:
    shelf, artifacts = shelved(tmp_path, {"model.onnx": b"graph"})
    shelf.answers.set()
    artifacts.prefetch()
    assert artifacts.path("model.onnx").read_bytes() == b"graph"
    assert len(shelf.asked) == 1


def test_a_disk_that_does_not_take_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "tiny").write_text("a file where a folder is wanted")
    shelf, artifacts = shelved(tmp_path, {"model.onnx": b"graph"})
    shelf.answers.set()
    artifacts.prefetch()
    with pytest.raises(ArtifactError, match=r"model\.onnx cannot be written to .*resources\.tmp_mb"):
        artifacts.path("model.onnx")
