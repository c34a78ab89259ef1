"""The artifacts of one version, as a model's `load` sees them: nothing is handed out before its digest matched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelet.errors import ArtifactError, ManifestError
from modelet.layout import artifact_path, manifest_path
from modelet.manifest import Manifest, digest

if TYPE_CHECKING:
    from pathlib import Path

    from modelet.bundle import Lock
    from modelet.store import Store

MEMORY_LIMIT = 64 * 1024 * 1024
"""Above this many bytes a file belongs on disk: from bytes, a 500 MB graph peaks at three times its size."""


class Artifacts:
    """The files of a pinned version.

    manifest: what the version is.
    """

    def __init__(self, store: Store, manifest: Manifest, tmp: Path) -> None:
        self.manifest = manifest
        self._store = store
        self._tmp = tmp

    @classmethod
    def open(cls, store: Store, name: str, lock: Lock, tmp: Path) -> Artifacts:
        """Read the pinned version's manifest. Raises ManifestError where it is missing or not the pinned one."""
        path = manifest_path(name, lock.version)
        try:
            data = store.read(path)
        except FileNotFoundError:
            raise ManifestError(
                f"{store.url}/{path} is missing: publish or push version {lock.version} of {name}, or pin another"
            ) from None
        if digest(data) != lock.manifest_sha256:
            raise ManifestError(
                f"{store.url}/{path} is not the manifest that was pinned: its SHA-256 differs from the lock"
            )
        manifest = Manifest.parse(data)
        if (manifest.name, manifest.version) != (name, lock.version):
            raise ManifestError(f"{store.url}/{path} says it is version {manifest.version} of {manifest.name}")
        return cls(store, manifest, tmp)

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises ArtifactError where it is missing or altered."""
        file = self.manifest.file(name)
        return self._store.fetch(self._path(name), file.bytes, file.sha256)

    def path(self, name: str) -> Path:
        """A file's path on the environment's own disk, for libraries that open files. Raises as `read` does."""
        file = self.manifest.file(name)
        target = self._tmp / self.manifest.name / self.manifest.version / name
        self._store.fetch_to(self._path(name), target, file.bytes, file.sha256)
        return target

    def is_large(self, name: str) -> bool:
        """Whether a file is better opened by its path than from memory."""
        return self.manifest.file(name).bytes > MEMORY_LIMIT

    def text(self, name: str) -> str:
        """A UTF-8 file's text. Raises ArtifactError where it is not UTF-8."""
        try:
            return self.read(name).decode()
        except UnicodeDecodeError:
            raise ArtifactError(f"{name} is not UTF-8 text") from None

    def json(self, name: str) -> Any:
        """A JSON file's value. Raises ArtifactError where it is not JSON."""
        try:
            return json.loads(self.text(name))
        except (ValueError, RecursionError):
            raise ArtifactError(f"{name} is not JSON") from None

    def _path(self, name: str) -> str:
        return artifact_path(self.manifest.name, self.manifest.version, name)
