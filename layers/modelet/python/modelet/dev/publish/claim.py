"""Claims: claim.json is the first file of a version, so that of many publishers one owns it.

An automatic number that is taken is passed over: a publish that was killed burns its number and blocks nobody. A
version that was named may be finished by whoever brings the very same contents (the claim holds the manifest's
digest, and files are written once, so that nothing can be mixed), once its first publisher is known to be gone: its
process has ended, or, on another machine, an hour has passed.
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
"""How long a publisher on another machine is taken to be at work."""

ManifestOf = Callable[[str, str], bytes]
"""model.json of a version and a time of creation."""

_live: set[str] = set()
"""The claims that this process is working on."""


@dataclass(frozen=True)
class Claim:
    """Who claimed a version, when, and for which contents."""

    nonce: str
    host: str
    process: int
    created_at: str
    manifest_sha256: str

    @classmethod
    def read(cls, store: Store, model: str, version: str) -> Claim | None:
        """The claim of a version; None where it says nothing that we know."""
        try:
            return cls.parse(store.read(claim_path(model, version)))
        except FileNotFoundError:
            return None

    @classmethod
    def parse(cls, data: bytes) -> Claim | None:
        """A claim from its file; None where the file is none of ours."""
        try:
            claim = cls(**json.loads(data))
            known = datetime.fromisoformat(claim.created_at).tzinfo is not None and 0 < claim.process < 2**31
        except (ValueError, TypeError, RecursionError):
            return None
        texts = (claim.nonce, claim.host, claim.manifest_sha256)
        return claim if known and all(isinstance(text, str) for text in texts) else None

    def to_json(self) -> bytes:
        """The claim as a file."""
        return json.dumps(asdict(self), indent=2).encode() + b"\n"

    @property
    def is_abandoned(self) -> bool:
        """Whether its publisher is known to be gone, or has had its time."""
        if datetime.now(UTC) - datetime.fromisoformat(self.created_at) > LEASE:
            return True
        if self.host != platform.node():
            return False
        return self.nonce not in _live if self.process == os.getpid() else not psutil.pid_exists(self.process)


@dataclass(frozen=True)
class Owned:
    """A version that is ours to write, and its model.json; resumed: another publisher began it."""

    version: str
    manifest: bytes
    resumed: bool = False


@contextmanager
def claimed(store: Store, model: str, version: str | None, manifest_of: ManifestOf) -> Iterator[Owned]:
    """Own a version while the block runs: the one that is named, else the next number.

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
    """Claim a version for known contents; a claim for the same contents is as good.

    Raises VersionExistsError and StoreError.
    """
    if _write(store, model, version, lambda *_: manifest, secrets.token_hex(8)):
        return
    there = Claim.read(store, model, version)
    if there is None or there.manifest_sha256 != digest(manifest):
        raise VersionExistsError(
            f"{model} version {version} is claimed in {store.url} for other contents: publish it under another version"
        )


def check_free(store: Store, model: str, version: str) -> None:
    """Raise VersionExistsError where a version is complete, and StoreError."""
    try:
        store.read(manifest_path(model, version))
    except FileNotFoundError:
        return
    raise VersionExistsError(
        f"{model} version {version} exists in {store.url}, and versions are written once: "
        "name another, or leave --version out for the next number"
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
        raise VersionExistsError(
            f"{shown} is claimed in {store.url} by a file that is no claim of ours: name another version"
        )
    if not there.is_abandoned:
        raise VersionExistsError(
            f"{shown} is being published since {there.created_at} on {there.host}: wait, or name another version"
        )
    manifest = manifest_of(version, there.created_at)
    if digest(manifest) != there.manifest_sha256:
        raise VersionExistsError(
            f"{shown} was begun at {there.created_at} and never finished, and this publish has other contents: "
            "name another version"
        )
    return Owned(version, manifest, resumed=True)


def _write(store: Store, model: str, version: str, manifest_of: ManifestOf, nonce: str) -> bytes | None:
    """Write our claim and give the manifest; None where the version has a claim of somebody else."""
    created_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    manifest = manifest_of(version, created_at)
    claim = Claim(nonce, platform.node(), os.getpid(), created_at, digest(manifest))
    try:
        store.write_once(claim_path(model, version), claim.to_json())
    except FileExistsError:
        # A put that was answered too late is retried below us, and then finds itself.
        return manifest if Claim.read(store, model, version) == claim else None
    return manifest
