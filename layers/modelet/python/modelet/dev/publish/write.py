"""Write the files of a claimed version, each once, and model.json last."""

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
    """Write a claimed version. Raises VersionExistsError if another process completed it, PublishError, StoreError."""
    done, total = 0, sum(file.bytes for file in manifest.files)
    for file in manifest.files:
        put(store, artifact_path(manifest.name, owned.version, file.path), file, files[file.path])
        done += file.bytes
        progress.advance(done, total)
    if not finish(store, manifest.name, owned.version, owned.manifest) and owned.resumed:
        # Two publishers may resume the same version; one of them wins.
        raise _taken(manifest.name, owned.version)


def put(store: Store, path: str, file: ArtifactFile, data: bytes | Path) -> None:
    """Create a file, or accept an identical one. Raises PublishError if a different file exists, and StoreError."""
    try:
        store.write_once(path, data)
    except FileExistsError:
        check_same(store, path, file)


def check_same(store: Store, path: str, file: ArtifactFile) -> None:
    """Raise PublishError if a file in the store differs from the one in the manifest. Raises StoreError too."""
    try:
        if file.bytes <= MEMORY_LIMIT:
            store.fetch(path, file.bytes, file.sha256)
            return
        with tempfile.TemporaryDirectory() as folder:
            store.fetch_to(path, Path(folder) / "file", file.bytes, file.sha256)
    except ArtifactError as error:
        raise PublishError(f"{error}: another file is in its place: choose another version") from error


def finish(store: Store, model: str, version: str, manifest: bytes) -> bool:
    """Write model.json, which makes a version visible. Return False if the same file already exists.

    It exists if the response to a put was late and the put was retried. Raises VersionExistsError for a different
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
        f"{model} version {version} has just been published by another process: choose another version"
    )
