"""Writes the files of a claimed version, each once, and model.json last."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from modelet.errors import ArtifactError, PublishError, VersionExistsError
from modelet.store.artifacts import MEMORY_LIMIT
from modelet.store.keys import artifact_path, manifest_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.dev.progress import Progress
    from modelet.dev.publish.claim import Owned
    from modelet.store.manifest import ArtifactFile, Manifest
    from modelet.store.store import Store


def write_version(
    store: Store, manifest: Manifest, files: Mapping[str, bytes], owned: Owned, progress: Progress
) -> None:
    """Write a claimed version. Raises VersionExistsError where another finished it, PublishError, StoreError."""
    done, total = 0, sum(file.bytes for file in manifest.files)
    for file in manifest.files:
        put(store, artifact_path(manifest.name, owned.version, file.path), file, files[file.path])
        done += file.bytes
        progress.advance(done, total)
    if not finish(store, manifest.name, owned.version, owned.manifest) and owned.resumed:
        # Whoever resumes a version may find that another does too: of those one wins.
        raise _taken(manifest.name, owned.version)


def put(store: Store, path: str, file: ArtifactFile, data: bytes | Path) -> None:
    """Create a file, or find the very same there already. Raises PublishError where another is, and StoreError."""
    try:
        store.write_once(path, data)
    except FileExistsError:
        check_same(store, path, file)


def check_same(store: Store, path: str, file: ArtifactFile) -> None:
    """Raise PublishError where a file of a store is not the one that a manifest lists, and StoreError."""
    try:
        if file.bytes <= MEMORY_LIMIT:
            store.fetch(path, file.bytes, file.sha256)
            return
        with tempfile.TemporaryDirectory() as folder:
            store.fetch_to(path, Path(folder) / "file", file.bytes, file.sha256)
    except ArtifactError as error:
        raise PublishError(f"{error}: another file is in its place, name another version") from error


def finish(store: Store, model: str, version: str, manifest: bytes) -> bool:
    """Make a version visible: write its model.json. False where the very same was there already.

    That happens to an owner whose put was answered too late and retried. Raises VersionExistsError for another
    model.json.
    """
    path = manifest_path(model, version)
    try:
        store.write_once(path, manifest)
    except FileExistsError:
        if store.read(path) != manifest:
            raise _taken(model, version) from None
        return False
    return True


def _taken(model: str, version: str) -> VersionExistsError:
    return VersionExistsError(
        f"{model} version {version} was published by somebody else meanwhile: name another version"
    )
