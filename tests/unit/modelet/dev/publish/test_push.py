"""Copying a version to another store."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modelet.dev.progress import Silent
from modelet.dev.publish import push as module
from modelet.dev.publish.claim import claimed
from modelet.dev.publish.write import write_version
from modelet.errors import (
    ArtifactError,
    CommandError,
    PublishError,
    StoreError,
    UnknownVersionError,
    VersionExistsError,
)
from modelet.publishing import push
from modelet.registry.listing import versions
from modelet.store.store import Store

if TYPE_CHECKING:
    from modelet.dev.publish.draft import Package


KILLED = """
import os, signal, sys
from modelet.publishing import push
from modelet.store.store import Store

source, target, writes, moment = sys.argv[1:]

class Killed(Store):
    left = int(writes)

    def write_once(self, path, data):
        if self.left == 0 and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        super().write_once(path, data)
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1

push(Store(source), Killed(target), "tiny", "3")
"""
"""A push that ends without a word before or after one of its writes."""
WRITTEN = [f"tiny/3/{name}" for name in ("claim.json", "labels.json", "model.json", "model.onnx")]


@pytest.fixture
def source(tmp_path: Path, packed: Package) -> Store:
    """A store with one version."""
    store = Store((tmp_path / "source").as_uri())
    with claimed(store, "tiny", "3", packed.manifest_of) as owned:
        write_version(store, packed.manifest, packed.files, owned, Silent())
    return store


class Failing(Store):
    """A store that stops to answer after some writes."""

    left = 0

    def write_once(self, path: str, data: bytes | Path) -> None:
        if not self.left:
            raise StoreError(f"{path}: no answer")
        self.left -= 1
        super().write_once(path, data)


class Heard(Silent):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.advances: list[tuple[int, int]] = []

    def step(self, text: str) -> None:
        self.steps.append(text)

    def advance(self, done: int, total: int) -> None:
        self.advances.append((done, total))


def same(source: Store, target: Store) -> bool:
    names = ("labels.json", "model.json", "model.onnx")
    return all(source.read(f"tiny/3/{name}") == target.read(f"tiny/3/{name}") for name in names)


def test_a_version_is_copied_byte_for_byte_and_a_second_push_changes_nothing(source: Store, store: Store) -> None:
    heard = Heard()
    push(source, store, "tiny", "3", heard)
    assert same(source, store)
    assert heard.advances == [(3, 8), (8, 8)]
    before = store.paths("")
    push(source, store, "tiny", "3", heard)
    assert heard.steps[-1] == f"tiny version 3 is already in {store.url}"
    assert store.paths("") == before


@pytest.mark.parametrize("writes", range(4))
def test_a_push_that_failed_is_unseen_and_goes_on_where_it_ended(source: Store, store: Store, writes: int) -> None:
    failing = Failing(store.url)
    failing.left = writes
    with pytest.raises(StoreError):
        push(source, failing, "tiny", "3")
    assert versions(store, "tiny") == []
    push(source, store, "tiny", "3")
    assert same(source, store)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_push_that_was_killed_at_any_write_is_finished_by_the_same_push_elsewhere(
    source: Store, store: Store, moment: str
) -> None:
    for writes in range(len(WRITTEN)):
        target = Store(f"{store.url}/{moment}-{writes}")
        command = [sys.executable, "-c", KILLED, source.url, target.url, str(writes), moment]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        done = writes + (moment == "after")
        assert len(target.paths("tiny")) == done
        assert versions(target, "tiny") == (["3"] if done == len(WRITTEN) else [])
        if done:  # as it is found by a machine that is not the first one's
            claim = json.loads(target.read(WRITTEN[0]))
            target.overwrite(WRITTEN[0], json.dumps({**claim, "host": "elsewhere", "process": 1}).encode())
        push(source, target, "tiny", "3")
        assert same(source, target)
        assert target.paths("tiny") == WRITTEN


def test_what_a_killed_put_left_beside_its_file_stops_nobody(source: Store, file_store: Store) -> None:
    folder = Path(file_store.url.removeprefix("file://").replace("%20", " ")) / "tiny" / "3"
    folder.mkdir(parents=True)
    for name in ("claim.json#1", "model.onnx#1", "model.json#1"):
        (folder / name).write_bytes(b"half")
    push(source, file_store, "tiny", "3")
    assert same(source, file_store)


def test_of_pushes_at_once_all_find_the_version_whole(source: Store, store: Store) -> None:
    start = threading.Barrier(4)

    def run(_: int) -> None:
        start.wait()
        push(source, Store(store.url), "tiny", "3")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert same(source, store)


def test_a_version_that_is_not_the_pinned_one_is_not_copied(source: Store, store: Store) -> None:
    there = hashlib.sha256(source.read("tiny/3/model.json")).hexdigest()
    with pytest.raises(CommandError, match=rf"pins another version 3 of tiny than .* is {there[:12]}…, not 0{{12}}…\)"):
        push(source, store, "tiny", "3", pinned="0" * 64)
    assert store.paths("") == []
    push(source, store, "tiny", "3", pinned=there)
    assert same(source, store)


def test_large_files_pass_through_the_disk(source: Store, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MEMORY_LIMIT", 3)
    push(source, store, "tiny", "3")
    assert same(source, store)


def test_a_damaged_file_ends_the_push_before_the_version_is_there(source: Store, store: Store, tmp_path: Path) -> None:
    (tmp_path / "source" / "tiny" / "3" / "model.onnx").write_bytes(b"Graph")
    with pytest.raises(ArtifactError, match=r"tiny/3/model.onnx"):
        push(source, store, "tiny", "3")
    assert versions(store, "tiny") == []


def test_another_version_of_the_name_is_never_written_over(source: Store, store: Store) -> None:
    store.write_once("tiny/3/model.json", b"{}")
    with pytest.raises(VersionExistsError, match="has a different tiny version 3"):
        push(source, store, "tiny", "3")
    assert store.read("tiny/3/model.json") == b"{}"


def test_a_claim_of_other_contents_is_respected(source: Store, store: Store) -> None:
    store.write_once("tiny/3/claim.json", b"{}")
    with pytest.raises(VersionExistsError, match=r"claimed in .* for other contents"):
        push(source, store, "tiny", "3")


def test_a_file_that_is_not_the_one_ends_a_resumed_push(source: Store, store: Store) -> None:
    store.write_once("tiny/3/model.onnx", b"other")
    with pytest.raises(PublishError, match="another file is in its place"):
        push(source, store, "tiny", "3")
    assert versions(store, "tiny") == []


def test_a_version_that_is_not_there_is_named(source: Store, store: Store) -> None:
    with pytest.raises(UnknownVersionError, match="no version '4'"):
        push(source, store, "tiny", "4")


def test_the_target_may_go_on_counting_after_a_push(source: Store, store: Store, packed: Package) -> None:
    push(source, store, "tiny", "3")
    with claimed(store, "tiny", None, packed.manifest_of) as owned:
        assert owned.version == "4"
    assert len(hashlib.sha256(owned.manifest).hexdigest()) == 64
