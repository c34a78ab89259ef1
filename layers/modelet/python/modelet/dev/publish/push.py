"""Push: copy a version to another store, byte for byte."""

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
    """Copy a version. Its files are checked against their digests, and model.json is written last.

    pinned: the SHA-256 of the manifest in the lock for this version, None without a lock. An existing version is not
    changed. An interrupted copy, from this or another machine, is continued. Raises CommandError if the source's
    manifest is not the pinned one, UnknownVersionError, ArtifactError if the source is damaged, VersionExistsError if
    the target has a different version of that name, PublishError, and StoreError.
    """
    progress = progress or Silent()
    manifest, sha256 = read_manifest(source, name, version)
    if pinned is not None and sha256 != pinned:
        raise CommandError(
            f"model.lock pins another version {version} of {name} than the one in {source.url} (its manifest is "
            f"{sha256[:12]}…, not {pinned[:12]}…): use the store in which it was pinned, or delete the lock "
            f"and run `modelet pin {name}`"
        )
    data = source.read(manifest_path(name, version))
    there = _manifest_digest(target, name, version)
    if there == sha256 == digest(data):
        progress.step(f"{name} version {version} is already in {target.url}")
        return
    if there is not None:
        raise VersionExistsError(
            f"{target.url} has a different {name} version {version}, and a version cannot change: "
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
