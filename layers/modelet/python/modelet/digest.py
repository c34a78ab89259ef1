"""SHA-256, and the check that a downloaded file is the published one, before it is parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from modelet.errors import ArtifactError
from modelet.shortcuts import sha256

if TYPE_CHECKING:
    from typing_extensions import Buffer

LARGE = 1024 * 1024
"""Bytes from which OpenSSL, which is four times as fast, is worth its import."""


class Hasher(Protocol):
    """The methods of hashlib's objects that we use."""

    def update(self, data: Buffer, /) -> None:
        """Add the next bytes."""

    def hexdigest(self) -> str:
        """Return the digest of the bytes so far, in hex."""


def hasher(size: int) -> Hasher:
    """Return the fastest SHA-256 for data of `size` bytes."""
    if size < LARGE:
        return cast("Hasher", sha256())
    import hashlib  # noqa: PLC0415 - see LARGE

    return hashlib.sha256()


def digest(data: bytes) -> str:
    """Return the SHA-256 of `data`, in hex."""
    sha = hasher(len(data))
    sha.update(data)
    return sha.hexdigest()


class DigestCheck:
    """Check a published file while its parts arrive, in order.

    path: the file's path below the store at `url`. size: its published size in bytes. sha256: its published digest, in
    hex.
    """

    def __init__(self, path: str, url: str, size: int, sha256: str) -> None:
        self._path, self._url, self._size, self._sha256 = path, url, size, sha256
        self._hasher = hasher(size)
        self._received = 0

    def update(self, part: Buffer) -> None:
        """Count and hash the next part."""
        self._hasher.update(part)
        self._received += memoryview(part).nbytes

    def check_size(self, found: int) -> None:
        """Raise ArtifactError unless the file has its published size."""
        if found != self._size:
            raise ArtifactError(f"{self._path} has {found:,} bytes in {self._url}, but {self._size:,} were published")

    def finish(self) -> None:
        """Raise ArtifactError unless the parts are exactly the published file."""
        self.check_size(self._received)
        if self._hasher.hexdigest() != self._sha256:
            raise ArtifactError(f"{self._path} was altered in {self._url}: its SHA-256 is not the published one")

    def missing(self) -> ArtifactError:
        """Return the error for a file that does not exist."""
        return ArtifactError(f"{self._path} is missing from {self._url}")
