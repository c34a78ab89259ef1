"""Publishing, and what remains where it fails at any step."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from modelet.dev.progress import Silent
from modelet.digest import digest
from modelet.errors import PublishError, StoreError, VersionExistsError
from modelet.publishing import publish
from modelet.registry.alias import set_alias
from modelet.registry.listing import read_manifest, versions
from modelet.store.store import Store

if TYPE_CHECKING:
    from modelet.dev.project.project import Function
    from unit.modelet.dev.publish.conftest import Table

WRITES = ("claim.json", "labels.json", "model.onnx", "model.json")
"""What publishing writes, in this order."""


class Heard(Silent):
    """Remembers the steps."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)


class Failing(Store):
    """A store that stops to answer at one of its writes, before it or after it."""

    def __init__(self, url: str, at: int, *, after: bool) -> None:
        super().__init__(url)
        self.at, self.after, self.written = at, after, []  # type: ignore[var-annotated]

    def write_once(self, path: str, data: bytes | Path) -> None:
        if len(self.written) == self.at and not self.after:
            raise StoreError(f"{path}: no answer")
        super().write_once(path, data)
        self.written.append(path.rpartition("/")[2])
        if len(self.written) > self.at:
            raise StoreError(f"{path}: no answer")


def test_a_published_version_is_complete_and_its_digest_is_that_of_its_manifest(
    store: Store, function: Function
) -> None:
    heard = Heard()
    published = publish(function, store, progress=heard)
    assert (published.name, published.version) == ("iris", "1")
    manifest, sha256 = read_manifest(store, "iris", "1")
    assert published.manifest_sha256 == sha256 == digest(store.read("iris/1/model.json"))
    assert [store.fetch(f"iris/1/{file.path}", file.bytes, file.sha256) for file in manifest.files]
    assert heard.steps[0] == "training iris: functions/iris/train.py"
    assert heard.steps[-1] == f"writing version 1 to {store.url}"
    assert publish(function, store).version == "2"


def test_the_same_training_has_the_same_graph(file_store: Store, function: Function) -> None:
    publish(function, file_store)
    publish(function, file_store)
    one, two = (read_manifest(file_store, "iris", version)[0] for version in ("1", "2"))
    assert one.files == two.files


def test_a_named_version_is_written_under_its_name_and_once(file_store: Store, function: Function) -> None:
    assert publish(function, file_store, version="2026-11").version == "2026-11"
    with pytest.raises(VersionExistsError, match="2026-11 already exists"):
        publish(function, file_store, version="2026-11")
    assert publish(function, file_store).version == "1"


@pytest.mark.parametrize("version", ["latest", "aliases", "../1", "", "-x"])
def test_a_name_that_no_version_may_have_is_refused_before_training(
    file_store: Store, make_function: Callable[..., Function], version: str
) -> None:
    with pytest.raises(PublishError, match="is not a valid version"):
        publish(make_function("1 / 0"), file_store, version=version)


def test_the_name_of_an_alias_is_refused(file_store: Store, function: Function) -> None:
    publish(function, file_store)
    set_alias(file_store, "iris", "prod", "1")
    with pytest.raises(PublishError, match="'prod' is an alias of iris"):
        publish(function, file_store, version="prod")


def test_nothing_is_written_where_the_model_is_refused(
    file_store: Store, make_function: Callable[..., Function]
) -> None:
    with pytest.raises(PublishError):
        publish(make_function("def train():\n    return 1\n"), file_store)
    assert file_store.paths("") == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(len(WRITES)), ids=WRITES)
def test_a_publish_that_fails_at_any_write_is_unseen_and_blocks_nobody(
    store: Store, function: Function, at: int, *, after: bool
) -> None:
    failing = Failing(store.url, at, after=after)
    with pytest.raises(StoreError):
        publish(function, failing)
    assert tuple(failing.written) == WRITES[: at + after]
    done = ["1"] if failing.written == list(WRITES) else []
    assert versions(store, "iris") == done
    burned = 1 if failing.written else 0
    assert publish(function, store).version == str(1 + burned)
    assert versions(store, "iris") == [*done, str(1 + burned)]


@pytest.mark.parametrize("at", range(1, len(WRITES)), ids=WRITES[1:])
def test_a_named_publish_that_failed_is_finished_by_the_next(store: Store, function: Function, at: int) -> None:
    with pytest.raises(StoreError):
        publish(function, Failing(store.url, at, after=False), version="v1")
    assert versions(store, "iris") == []
    assert publish(function, store, version="v1").version == "v1"
    manifest, _ = read_manifest(store, "iris", "v1")
    assert [store.fetch(f"iris/v1/{file.path}", file.bytes, file.sha256) for file in manifest.files]


def test_a_named_publish_that_failed_is_not_mixed_with_another_model(
    file_store: Store, make_function: Callable[..., Function], function: Function
) -> None:
    with pytest.raises(StoreError):
        publish(function, Failing(file_store.url, 2, after=False), version="v1")
    text = (function.folder / "train.py").read_text()
    with pytest.raises(VersionExistsError, match="other contents: choose another version"):
        publish(make_function(text.replace("max_iter=500", "max_iter=500, C=3.0")), file_store, version="v1")
    assert versions(file_store, "iris") == []


KILLED = """
import os, signal, sys
from modelet.dev.progress import Silent
from modelet.dev.publish.claim import claimed
from modelet.dev.publish.write import write_version
from modelet.digest import digest
from modelet.store.manifest import ArtifactFile, Manifest
from modelet.store.store import Store

class Killing(Store):
    left = int(sys.argv[2])
    def write_once(self, path, data):
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
        super().write_once(path, data)

files = {"labels.json": b"[]", "model.onnx": b"graph"}
manifest = Manifest(
    name="iris", model_lib="l", model_lib_version="1", model_data="model.onnx", features=("x",), class_name="c",
    metric="", performance={}, feature_importance={}, model_info={}, runtime={},
    files=tuple(ArtifactFile(path, len(data), digest(data)) for path, data in files.items()),
    version="0", created_at="1970-01-01T00:00:00Z",
)
def manifest_of(version, created_at):
    return manifest._replace(version=version, created_at=created_at).to_json()

store = Killing(sys.argv[1])
with claimed(store, "iris", sys.argv[3] or None, manifest_of) as owned:
    write_version(store, manifest, files, owned, Silent())
"""


def killed(url: str, writes: int, version: str = "") -> int:
    """Publish in a process that is killed after some writes."""
    return subprocess.run([sys.executable, "-c", KILLED, url, str(writes), version], check=False).returncode


@pytest.mark.parametrize("writes", range(len(WRITES)))
def test_a_killed_publish_is_unseen_and_the_next_gets_through(store: Store, writes: int) -> None:
    assert killed(store.url, writes) == -signal.SIGKILL
    assert versions(store, "iris") == []
    assert len(store.paths("")) == writes
    assert killed(store.url, 99) == 0
    assert versions(store, "iris") == [str(1 + min(writes, 1))]


@pytest.mark.parametrize("writes", [1, 3])
def test_a_killed_publish_of_a_name_is_finished_by_the_next_of_the_same_model(file_store: Store, writes: int) -> None:
    assert killed(file_store.url, writes, "v1") == -signal.SIGKILL
    assert killed(file_store.url, 99, "v1") == 0
    assert versions(file_store, "iris") == ["v1"]


def test_what_a_kill_in_the_middle_of_a_write_leaves_is_no_file(file_store: Store, function: Function) -> None:
    publish(function, file_store)
    folder = Path(file_store.url.removeprefix("file://").replace("%20", " ")) / "iris" / "2"
    folder.mkdir()
    (folder / "claim.json#1").write_bytes(b"{")
    assert publish(function, file_store).version == "3"
    assert versions(file_store, "iris") == ["1", "3"]
    assert not any("#" in path for path in file_store.paths(""))


def test_of_two_publishers_at_once_each_gets_a_version(store: Store, function: Function) -> None:
    from modelet.dev.publish.claim import claimed
    from modelet.dev.publish.package import package
    from modelet.dev.publish.source.train import trained
    from modelet.dev.publish.write import write_version

    with trained(function) as result:
        ready = package(function, result, Silent())
    start = threading.Barrier(4)

    def write() -> None:
        start.wait()
        with claimed(store, "iris", None, ready.manifest_of) as owned:
            write_version(store, ready.manifest, ready.files, owned, Silent())

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions(store, "iris") == ["1", "2", "3", "4"]


def test_two_processes_that_publish_one_name_make_one_version(store: Store) -> None:
    command = [sys.executable, "-c", KILLED, store.url, "99", "v1"]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, env=dict(os.environ)) for _ in range(3)]
    said = [process.communicate()[1].decode() for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 1, 1]
    assert sum("VersionExistsError" in text for text in said) == 2
    assert versions(store, "iris") == ["v1"]


@pytest.fixture
def finished(tmp_path: Path, table: Table) -> tuple[Path, Path]:
    """A finished estimator that float32 serves well near its examples only, and a file of those."""
    frame = pd.DataFrame(table.rows, columns=list("abcdef"))
    joblib.dump(KNeighborsClassifier().fit(frame[::2], table.labels[::2]), tmp_path / "model.joblib")
    frame.assign(target=table.labels).to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "model.joblib", tmp_path / "rows.csv"


def test_a_finished_estimator_is_compiled_and_compared_too(
    file_store: Store, make_function: Callable[..., Function], finished: tuple[Path, Path]
) -> None:
    function, (model, examples) = make_function(None), finished
    publish(function, file_store, from_file=model, examples=examples)
    manifest, _ = read_manifest(file_store, "iris", "1")
    assert (manifest.metric, manifest.performance, manifest.columns[0].name) == ("", {}, "a")
    assert manifest.columns[0].found == ("minimum", "maximum")
    publish(function, file_store, from_file=model, examples=examples, bounded=True)
    [bounded, *_] = read_manifest(file_store, "iris", "2")[0].columns
    assert (bounded.maximum, bounded.found) == (float(pd.read_csv(examples)["a"].max()), ())


def test_a_finished_graph_is_kept_byte_for_byte(
    file_store: Store, make_function: Callable[..., Function], function: Function, tmp_path: Path
) -> None:
    publish(function, file_store)
    graph = file_store.read("iris/1/model.onnx")
    (tmp_path / "model.onnx").write_bytes(graph)
    rows: dict[str, Any] = {name: [5.1, 6.2] for name in ("a", "b", "c", "d")}
    (tmp_path / "rows.json").write_text(json.dumps(pd.DataFrame(rows).to_dict("records")))
    publish(make_function(), file_store, from_file=tmp_path / "model.onnx", examples=tmp_path / "rows.json")
    assert file_store.read("iris/2/model.onnx") == graph
    info = read_manifest(file_store, "iris", "2")[0].model_info
    assert info == {"task": "classification", "labels": [0, 1, 2], "backend": "onnx"}


def test_a_finished_model_needs_examples(file_store: Store, function: Function, finished: tuple[Path, Path]) -> None:
    with pytest.raises(PublishError, match=r"--from model.joblib needs --examples"):
        publish(function, file_store, from_file=finished[0])
