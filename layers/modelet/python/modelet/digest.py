"""SHA-256, and the check that what arrives from a store is what was published, before anybody parses a byte of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from modelet.errors import ArtifactError
from modelet.shortcuts import sha256

if TYPE_CHECKING:
    from typing_extensions import Buffer

LARGE = 1024 * 1024
"""From so many bytes on OpenSSL, four times as fast, has earned its import."""


class Hasher(Protocol):
    """What hashlib's objects can do."""

    def update(self, data: Buffer, /) -> None:
        """Take the next bytes."""

    def hexdigest(self) -> str:
        """The digest so far, in hex."""


def hasher(size: int) -> Hasher:
    """A SHA-256 for so many bytes."""
    if size < LARGE:
        return cast("Hasher", sha256())
    import hashlib  # noqa: PLC0415 - see LARGE

    return hashlib.sha256()


def digest(data: bytes) -> str:
    """The SHA-256 of some bytes, in hex."""
    found = hasher(len(data))
    found.update(data)
    return found.hexdigest()


class Arrival:
    """A published file while its parts arrive, in their order.

    path: the file's, below the store at `url`. size: in bytes, as published. sha256: as published, in hex.
    """

    def __init__(self, path: str, url: str, size: int, sha256: str) -> None:
        self._path, self._url, self._size, self._sha256 = path, url, size, sha256
        self._hasher = hasher(size)
        self._received = 0

    def take(self, part: Buffer) -> None:
        """Count and hash the next part."""
        self._hasher.update(part)
        self._received += memoryview(part).nbytes

    def check_size(self, found: int) -> None:
        """Raise ArtifactError unless the file has the size that was published."""
        if found != self._size:
            raise ArtifactError(f"{self._path}: has {found:,} bytes in {self._url}, but {self._size:,} were published")

    def finish(self) -> None:
        """Raise ArtifactError unless all that was published has arrived, and nothing else."""
        self.check_size(self._received)
        if self._hasher.hexdigest() != self._sha256:
            raise ArtifactError(f"{self._path}: was altered in {self._url}: its SHA-256 is not the published one")

    def missing(self) -> ArtifactError:
        """The error that says that there is no such file."""
        return ArtifactError(f"{self._path}: is missing from {self._url}")
