"""The artifacts of one version, for a model's `load`; each is returned only if its digest matches."""

from __future__ import annotations

import json
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from modelet.digest import digest
from modelet.errors import ArtifactError, ManifestError
from modelet.store.folder import Folder
from modelet.store.keys import artifact_path, manifest_path
from modelet.store.manifest import Manifest
from modelet.threads import Task

if TYPE_CHECKING:
    from pathlib import Path

    from modelet.bundle import Lock
    from modelet.settings import StrPath

MEMORY_LIMIT = 64 * 1024 * 1024
"""Larger files go to disk: opened from bytes, a 500 MB graph peaks at three times its size."""


AT_ONCE = 16
"""The most files that are prefetched, each in its own thread."""


class Source(Protocol):
    """The reader of published files: a Store, or a Folder."""

    url: str

    def fetch(self, path: str, size: int, sha256: str) -> bytes:
        """Return a file's checked bytes."""

    def fetch_to(self, path: str, target: Path, size: int, sha256: str) -> Path:
        """Put a checked file on disk and return its path."""


def source(url: str) -> Source:
    """Return the reader of the store at a URL. Raises SettingsError if the URL is not a store's."""
    if url.startswith("file:"):
        return Folder(url)
    from modelet.store.store import Store  # noqa: PLC0415 - not needed with the model in the image

    return Store(url)


class Artifacts:
    """The files of a pinned version.

    manifest: the version's manifest. waited_s: the seconds that `load` waited for files.
    """

    def __init__(self, source: Source, manifest: Manifest, tmp: StrPath) -> None:
        self.manifest = manifest
        self.waited_s = 0.0
        self._source = source
        self._tmp = tmp
        self._ahead: dict[str, Task[bytes]] = {}
        self._ahead_on_disk: dict[str, Task[Path]] = {}

    @classmethod
    def open(cls, source: Source, data: bytes, name: str, lock: Lock, tmp: StrPath) -> Artifacts:
        """Open the files of a manifest. Raises ManifestError if `data` is not the pinned version's model.json."""
        if digest(data) != lock.manifest_sha256:
            raise ManifestError(
                f"the bundle's manifest of {name} version {lock.version} is not the pinned one, its SHA-256 differs "
                f"from the lock's: run `modelet bundle {name}`"
            )
        manifest = Manifest.trusted(data)
        if (manifest.name, manifest.version) != (name, lock.version):
            raise ManifestError(
                f"{manifest_path(name, lock.version)} is the manifest of {manifest.name} version {manifest.version}"
            )
        return cls(source, manifest, tmp)

    def prefetch(self) -> None:
        """Download the version's files in threads, the main file first, while Python imports.

        At most 64 MB of the first files go to memory; a larger main file goes to disk. Errors are raised when the file
        is read.
        """
        room = MEMORY_LIMIT
        files = sorted(self.manifest.files, key=lambda file: file.path != self.manifest.model_data)
        for file in files[:AT_ONCE]:
            path = self._path(file.path)
            if file.bytes <= room:
                room -= file.bytes
                self._ahead[file.path] = Task(partial(self._source.fetch, path, file.bytes, file.sha256))
            elif file.path == self.manifest.model_data:
                fetch_to = partial(self._source.fetch_to, path, self._target(file.path), file.bytes, file.sha256)
                self._ahead_on_disk[file.path] = Task(fetch_to)

    def drop_prefetched(self) -> None:
        """Drop the prefetched files that were not read."""
        self._ahead.clear()
        self._ahead_on_disk.clear()

    def disconnect(self) -> None:
        """Drop the store's connections and keys; the next read makes new ones."""
        self._source = source(self._source.url)

    def read(self, name: str) -> bytes:
        """Return a file's bytes. Raises ArtifactError if it is missing or altered."""
        file = self.manifest.file(name)
        started = perf_counter()
        try:
            ahead = self._ahead.pop(name, None)
            return ahead.result() if ahead else self._source.fetch(self._path(name), file.bytes, file.sha256)
        finally:
            self.waited_s += perf_counter() - started

    def path(self, name: str) -> Path:
        """Return the path of a file on the environment's disk, for libraries that open files; do not write to it.

        Raises ArtifactError like `read`.
        """
        file = self.manifest.file(name)
        started = perf_counter()
        try:
            if ahead := self._ahead_on_disk.pop(name, None):
                return ahead.result()
            if in_memory := self._ahead.pop(name, None):
                return _written(in_memory.result(), self._target(name))
            return self._source.fetch_to(self._path(name), self._target(name), file.bytes, file.sha256)
        finally:
            self.waited_s += perf_counter() - started

    def is_large(self, name: str) -> bool:
        """Return whether a file should be opened by its path, not from memory."""
        return self.manifest.file(name).bytes > MEMORY_LIMIT

    def text(self, name: str) -> str:
        """Return a file's text. Raises ArtifactError if it is not UTF-8."""
        try:
            return self.read(name).decode()
        except UnicodeDecodeError:
            raise ArtifactError(f"{name} is not UTF-8 text") from None

    def json(self, name: str) -> Any:
        """Return a JSON file's value. Raises ArtifactError if it is not JSON."""
        try:
            return json.loads(self.text(name))
        except (ValueError, RecursionError):
            raise ArtifactError(f"{name} is not JSON") from None

    def _path(self, name: str) -> str:
        return artifact_path(self.manifest.name, self.manifest.version, name)

    def _target(self, name: str) -> Path:
        from pathlib import Path  # noqa: PLC0415 - 3 ms of a cold start, and small files stay in memory

        return Path(self._tmp, self.manifest.name, self.manifest.version, name)


def _written(data: bytes, target: Path) -> Path:
    """Write a file from memory to disk and return its path. Raises ArtifactError if that fails."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    except OSError as error:
        raise ArtifactError(
            f"{target.name} cannot be written to {target}: {error.strerror}; it has {len(data):,} bytes: "
            "raise resources.tmp_mb"
        ) from error
    return target
