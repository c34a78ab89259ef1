"""What runs here is what Lambda would be told: the spec's resources, the lock's version, the store."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from modelet.bundle import Lock
from modelet.dev.local.prepare import index_function, local_function, lock_for
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.project.project import Project
from modelet.errors import CommandError, UnknownVersionError
from support.projects import make_tiny
from support.versions import write_version

SPEC = """
resources: {memory_mb: 256, timeout_s: 3}
scaling: {max_concurrency: 4, provisioned: 1}
environment: {GREETING: hello}
stages: {prod: {scaling: {provisioned: 2}}}
"""


def pinned(local: LocalFunction) -> Lock:
    """What the environments of a function are told to serve."""
    return Lock(**json.loads(Path(local.environment["MODELET_BUNDLE"]).read_bytes())["lock"])


def test_a_function_runs_as_its_spec_says(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, spec=SPEC)
    local = local_function(tiny.function, tiny.store)
    assert (local.name, local.handler, local.folder) == ("tiny", "modelet.app.handler", tiny.function.folder)
    assert (local.memory_mb, local.timeout_s, local.max_concurrency, local.provisioned) == (256, 3, 4, 1)
    assert local.environment == {
        "GREETING": "hello",
        "MODELET_STORE": tiny.store.url,
        "MODELET_BUNDLE": local.environment["MODELET_BUNDLE"],
        "MODELET_BUNDLE_SHA256": hashlib.sha256(Path(local.environment["MODELET_BUNDLE"]).read_bytes()).hexdigest(),
        "MODELET_LOCK": f"1@{tiny.lock.manifest_sha256}",
    }
    assert local_function(tiny.function.at_stage("prod"), tiny.store).provisioned == 2


def test_a_function_with_snapstart_starts_as_from_a_snapshot_here_too(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, spec="stages: {prod: {scaling: {snapstart: true}}}\n")
    assert not local_function(tiny.function.at_stage("dev"), tiny.store).snapstart
    assert local_function(tiny.function.at_stage("prod"), tiny.store).snapstart


def test_a_baked_function_reads_the_project_s_store_here(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, spec="artifact: baked\n")
    assert local_function(tiny.function, tiny.store).environment["MODELET_STORE"] == tiny.store.url
    assert not (tiny.function.folder / "baked").exists()


def test_each_run_has_a_bundle_of_its_own_and_the_folder_keeps_its(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    folders = tiny.function.bundle_path.read_bytes()
    first = local_function(tiny.function, tiny.store)
    newer = write_version(tiny.store, {"model.onnx": b"newer"}, version="2")
    second = local_function(tiny.function, tiny.store)
    assert [pinned(local) for local in (first, second)] == [tiny.lock, newer]
    assert pinned(local_function(tiny.function, tiny.store, tiny.lock)) == tiny.lock
    assert tiny.function.bundle_path.read_bytes() == folders


def test_without_a_lock_the_version_is_what_the_spec_means_now(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    assert lock_for(tiny.function, tiny.store) == tiny.lock
    newer = write_version(tiny.store, {"model.onnx": b"newer"}, version="2")
    assert lock_for(tiny.function, tiny.store) == newer
    assert tiny.function.lock() is None


def test_secrets_come_from_the_shell_s_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:team/key-AbCdEf"
    tiny = make_tiny(tmp_path, spec=f"secrets: {{A_TEAM_S_KEY: '{arn}'}}\n")
    monkeypatch.setenv("A_TEAM_S_KEY", "a value")
    local = local_function(tiny.function, tiny.store)
    assert local.environment["A_TEAM_S_KEY"] == "a value"
    assert json.loads(local.environment["MODELET_SECRETS"]) == {"A_TEAM_S_KEY": arn}
    monkeypatch.delenv("A_TEAM_S_KEY")
    with pytest.raises(
        CommandError, match=r"^functions/tiny/model\.yaml: secrets\.A_TEAM_S_KEY: .*: run `export A_TEAM_S_KEY=…"
    ):
        local_function(tiny.function, tiny.store)


def test_a_lock_keeps_its_version(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    tiny.function.lock_path.write_bytes(tiny.lock.to_json("tiny"))
    write_version(tiny.store, {"model.onnx": b"newer"}, version="2")
    assert lock_for(tiny.function, tiny.store) == tiny.lock


def test_a_lock_of_another_store_is_refused(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    tiny.function.lock_path.write_text(json.dumps({"model": "tiny", "version": "1", "manifest_sha256": "0" * 64}))
    said = r"functions/tiny/model\.lock pins another version 1 of tiny than the one in file:///"
    with pytest.raises(CommandError, match=said):
        local_function(tiny.function, tiny.store)


def test_a_version_that_the_store_lacks_is_named(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, spec="version: '7'\n")
    with pytest.raises(UnknownVersionError, match="no version or alias '7'"):
        lock_for(tiny.function, tiny.store)


def test_the_platform_function_is_told_what_is_served(tmp_path: Path) -> None:
    project = Project(tmp_path)
    assert index_function(project, []) is None
    (tmp_path / "functions" / "models_index").mkdir(parents=True)
    (tmp_path / "functions" / "models_index" / "app.py").touch()
    index = index_function(project, [("tiny", "1")])
    assert index is not None
    assert (index.name, index.handler) == ("models-index", "app.handler")
    assert json.loads(index.environment["MODELET_MODELS"]) == {"tiny": "1"}
