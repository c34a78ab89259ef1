"""Pushing: a version is copied to another store, byte for byte."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from modelet.dev.progress import Progress, Silent
from modelet.dev.publish.claim import adopt
from modelet.dev.publish.write import check_same, finish, put
from modelet.digest import digest
from modelet.errors import CommandError, VersionExistsError
from modelet.registry.listing import read_manifest
from modelet.store.artifacts import MEMORY_LIMIT
from modelet.store.keys import artifact_path, manifest_path, version_folder

if TYPE_CHECKING:
    from modelet.store.manifest import ArtifactFile
    from modelet.store.store import Store


def push(
    source: Store,
    target: Store,
    name: str,
    version: str,
    progress: Progress | None = None,
    *,
    pinned: str | None = None,
) -> None:
    """Copy a version; its files are checked against their digests on the way, and model.json is written last.

    pinned: the SHA-256 of the manifest that a lock names for this version; None where no lock names it. A version that
    is there already is left as it is; a copy that was interrupted, here or on another machine, goes on where it ended.
    Raises CommandError where the source's manifest is not the pinned one, UnknownVersionError, ArtifactError where the
    source is damaged, VersionExistsError where the target has another version of that name, PublishError, and
    StoreError.
    """
    progress = progress or Silent()
    manifest, sha256 = read_manifest(source, name, version)
    if pinned is not None and sha256 != pinned:
        raise CommandError(
            f"model.lock pins another version {version} of {name} than {source.url} has (its manifest is "
            f"{sha256[:12]}…, pinned is {pinned[:12]}…): choose the store that it was pinned in, or delete the lock "
            f"and run `modelet pin {name}`"
        )
    data = source.read(manifest_path(name, version))
    there = _manifest_digest(target, name, version)
    if there == sha256 == digest(data):
        progress.step(f"{name} version {version} is in {target.url} already")
        return
    if there is not None:
        raise VersionExistsError(
            f"{target.url} has another {name} version {version}, and versions are written once: "
            "publish yours under another version"
        )
    progress.step(f"copying {name} version {version} to {target.url}")
    adopt(target, name, version, data)
    present = set(target.paths(version_folder(name, version)))
    done, total = 0, sum(file.bytes for file in manifest.files)
    for file in manifest.files:
        path = artifact_path(name, version, file.path)
        if path in present:
            check_same(target, path, file)
        else:
            _copy(source, target, path, file)
        done += file.bytes
        progress.advance(done, total)
    finish(target, name, version, data)


def _copy(source: Store, target: Store, path: str, file: ArtifactFile) -> None:
    if file.bytes <= MEMORY_LIMIT:
        put(target, path, file, source.fetch(path, file.bytes, file.sha256))
        return
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder) / "file"
        source.fetch_to(path, local, file.bytes, file.sha256)
        put(target, path, file, local)


def _manifest_digest(store: Store, name: str, version: str) -> str | None:
    try:
        return digest(store.read(manifest_path(name, version)))
    except FileNotFoundError:
        return None
