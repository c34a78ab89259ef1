"""The artifacts of one version, as a model's `load` sees them: nothing is handed out before its digest matched."""

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
"""Above this many bytes a file belongs on disk: from bytes, a 500 MB graph peaks at three times its size."""


AT_ONCE = 16
"""Files that are asked for ahead, a thread each."""


class Source(Protocol):
    """Where published files are read: a Store, or a Folder."""

    url: str

    def fetch(self, path: str, size: int, sha256: str) -> bytes:
        """A file in memory, checked."""

    def fetch_to(self, path: str, target: Path, size: int, sha256: str) -> Path:
        """A file on disk, checked: where it is then."""


def source(url: str) -> Source:
    """What reads the store at a URL. Raises SettingsError for what is none."""
    if url.startswith("file:"):
        return Folder(url)
    from modelet.store.store import Store  # noqa: PLC0415 - a function with its model in the image asks no S3

    return Store(url)


class Artifacts:
    """The files of a pinned version.

    manifest: what the version is. waited: seconds that `load` spent until its files were there.
    """

    def __init__(self, source: Source, manifest: Manifest, tmp: StrPath) -> None:
        self.manifest = manifest
        self.waited = 0.0
        self._source = source
        self._tmp = tmp
        self._ahead: dict[str, Task[bytes]] = {}
        self._ahead_on_disk: dict[str, Task[Path]] = {}

    @classmethod
    def open(cls, source: Source, data: bytes, name: str, lock: Lock, tmp: StrPath) -> Artifacts:
        """The files that a manifest names. Raises ManifestError where `data` is not the pinned version's model.json."""
        if digest(data) != lock.manifest_sha256:
            raise ManifestError(
                f"this is not the manifest of {name} version {lock.version} that was pinned: its SHA-256 differs from "
                f"the lock: run `modelet bundle {name}`"
            )
        manifest = Manifest.trusted(data)
        if (manifest.name, manifest.version) != (name, lock.version):
            raise ManifestError(
                f"{manifest_path(name, lock.version)} says it is version {manifest.version} of {manifest.name}"
            )
        return cls(source, manifest, tmp)

    def prefetch(self) -> None:
        """Ask for the version's files in threads, the main one first, so that a store answers while Python imports.

        At most 64 MB of the first files come to memory; a larger main file comes to disk. What goes wrong is raised
        when the file is read.
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

    def forget(self) -> None:
        """Let go of the files that nobody has asked for."""
        self._ahead.clear()
        self._ahead_on_disk.clear()

    def renew(self) -> None:
        """Let go of the store's connections and keys; whoever asks for a file next makes new ones."""
        self._source = source(self._source.url)

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises ArtifactError where it is missing or altered."""
        file = self.manifest.file(name)
        started = perf_counter()
        try:
            ahead = self._ahead.pop(name, None)
            return ahead.result() if ahead else self._source.fetch(self._path(name), file.bytes, file.sha256)
        finally:
            self.waited += perf_counter() - started

    def path(self, name: str) -> Path:
        """A file's path on the environment's own disk, for libraries that open files, to read and not to write.

        Raises as `read` does.
        """
        file = self.manifest.file(name)
        started = perf_counter()
        try:
            if ahead := self._ahead_on_disk.pop(name, None):
                return ahead.result()
            if in_memory := self._ahead.pop(name, None):
                return _kept(in_memory.result(), self._target(name))
            return self._source.fetch_to(self._path(name), self._target(name), file.bytes, file.sha256)
        finally:
            self.waited += perf_counter() - started

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

    def _target(self, name: str) -> Path:
        from pathlib import Path  # noqa: PLC0415 - 3 ms of a cold start, and small files come to no disk

        return Path(self._tmp, self.manifest.name, self.manifest.version, name)


def _kept(data: bytes, target: Path) -> Path:
    """A file on disk that was fetched to memory. Raises ArtifactError where the disk does not take it."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    except OSError as error:
        said = f"cannot be kept at {target}: {error.strerror}"
        raise ArtifactError(f"{target.name}: {said}; it takes {len(data):,} bytes (resources.tmp_mb)") from error
    return target
