"""Claims of versions: claim.json is a version's first file, so that only one of several publishers owns the version.

An automatic number that is taken is skipped, so a killed publish wastes its number but does not block others. A named
version can be completed by another publisher with the same contents, once its first publisher is gone: its process has
ended, or, on another machine, an hour has passed. Contents cannot be mixed, because the claim contains the manifest's
digest and files are written only once.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psutil

from modelet.digest import digest
from modelet.errors import VersionExistsError
from modelet.store.keys import claim_path, is_number, manifest_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.store.store import Store

LEASE = timedelta(hours=1)
"""How long a publisher on another machine is assumed to be running."""

ManifestOf = Callable[[str, str], bytes]
"""Returns model.json for a version and a time of creation."""

_live: set[str] = set()
"""The active claims of this process."""


@dataclass(frozen=True)
class Claim:
    """The publisher of a version, the time, and the digest of the contents."""

    nonce: str
    host: str
    process: int
    created_at: str
    manifest_sha256: str

    @classmethod
    def read(cls, store: Store, model: str, version: str) -> Claim | None:
        """Read the claim of a version, or None if its format is unknown."""
        try:
            return cls.parse(store.read(claim_path(model, version)))
        except FileNotFoundError:
            return None

    @classmethod
    def parse(cls, data: bytes) -> Claim | None:
        """Parse a claim, or return None if the file is not a claim."""
        try:
            claim = cls(**json.loads(data))
            known = datetime.fromisoformat(claim.created_at).tzinfo is not None and 0 < claim.process < 2**31
        except (ValueError, TypeError, RecursionError):
            return None
        texts = (claim.nonce, claim.host, claim.manifest_sha256)
        return claim if known and all(isinstance(text, str) for text in texts) else None

    def to_json(self) -> bytes:
        """Return the claim as a file."""
        return json.dumps(asdict(self), indent=2).encode() + b"\n"

    @property
    def is_abandoned(self) -> bool:
        """Return whether its publisher has ended or timed out."""
        if datetime.now(UTC) - datetime.fromisoformat(self.created_at) > LEASE:
            return True
        if self.host != platform.node():
            return False
        return self.nonce not in _live if self.process == os.getpid() else not psutil.pid_exists(self.process)


@dataclass(frozen=True)
class Owned:
    """A version that this process may write, and its model.json. resumed: another publisher started it."""

    version: str
    manifest: bytes
    resumed: bool = False


@contextmanager
def claimed(store: Store, model: str, version: str | None, manifest_of: ManifestOf) -> Iterator[Owned]:
    """Claim a version for the duration of the block: the given one, or the next number.

    Raises VersionExistsError and StoreError.
    """
    nonce = secrets.token_hex(8)
    _live.add(nonce)
    try:
        if version is not None:
            yield _named(store, model, version, manifest_of, nonce)
        else:
            yield _next_number(store, model, manifest_of, nonce)
    finally:
        _live.discard(nonce)


def adopt(store: Store, model: str, version: str, manifest: bytes) -> None:
    """Claim a version for known contents. An existing claim for the same contents is accepted.

    Raises VersionExistsError and StoreError.
    """
    if _write(store, model, version, lambda *_: manifest, secrets.token_hex(8)):
        return
    there = Claim.read(store, model, version)
    if there is None or there.manifest_sha256 != digest(manifest):
        raise VersionExistsError(
            f"{model} version {version} is claimed in {store.url} for other contents: publish under another version"
        )


def check_free(store: Store, model: str, version: str) -> None:
    """Raise VersionExistsError if a version is complete. Raises StoreError too."""
    try:
        store.read(manifest_path(model, version))
    except FileNotFoundError:
        return
    raise VersionExistsError(
        f"{model} version {version} already exists in {store.url} and cannot change: "
        "choose another version, or leave out --version for the next number"
    )


def _next_number(store: Store, model: str, manifest_of: ManifestOf, nonce: str) -> Owned:
    number = 1 + max((int(name) for name in store.children(model) if is_number(name)), default=0)
    while True:
        version = str(number)
        if manifest := _write(store, model, version, manifest_of, nonce):
            return Owned(version, manifest)
        number += 1


def _named(store: Store, model: str, version: str, manifest_of: ManifestOf, nonce: str) -> Owned:
    if manifest := _write(store, model, version, manifest_of, nonce):
        return Owned(version, manifest)
    check_free(store, model, version)
    there = Claim.read(store, model, version)
    shown = f"{model} version {version}"
    if there is None:
        raise VersionExistsError(f"{shown} has an unknown claim file in {store.url}: choose another version")
    if not there.is_abandoned:
        raise VersionExistsError(
            f"{shown} is being published on {there.host} since {there.created_at}: wait, or choose another version"
        )
    manifest = manifest_of(version, there.created_at)
    if digest(manifest) != there.manifest_sha256:
        raise VersionExistsError(
            f"{shown} was started at {there.created_at} and never completed, and this publish has other contents: "
            "choose another version"
        )
    return Owned(version, manifest, resumed=True)


def _write(store: Store, model: str, version: str, manifest_of: ManifestOf, nonce: str) -> bytes | None:
    """Write a claim and return the manifest, or None if another publisher has claimed the version."""
    created_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    manifest = manifest_of(version, created_at)
    claim = Claim(nonce, platform.node(), os.getpid(), created_at, digest(manifest))
    try:
        store.write_once(claim_path(model, version), claim.to_json())
    except FileExistsError:
        # The store's client retries a put whose response was late, and then finds its own file.
        return manifest if Claim.read(store, model, version) == claim else None
    return manifest
