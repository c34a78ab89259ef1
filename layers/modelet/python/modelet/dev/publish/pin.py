"""Pinning: what a function serves is one version, by the digest of its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.bundle import Lock
from modelet.errors import CommandError
from modelet.registry.listing import read_manifest
from modelet.registry.resolve import resolve

if TYPE_CHECKING:
    from modelet.dev.project.project import Function
    from modelet.store.store import Store


def resolve_lock(function: Function, store: Store, reference: str | None = None) -> Lock:
    """What pinning would write now, in memory: for a version, an alias or `latest`, else for model.yaml's `version`.

    Raises UnknownVersionError that lists what there is, ManifestError, and StoreError.
    """
    version = resolve(store, function.name, reference or function.spec.version)
    return Lock(version, read_manifest(store, function.name, version)[1])


def pin(function: Function, store: Store, reference: str | None = None) -> Lock:
    """Write model.lock, whole or not at all.

    Raises as `resolve_lock` does, BundleError where there is a model.lock that is none, and CommandError where it pins
    the same version with another manifest: a version never changes, so one of the two is not what it says.
    """
    lock, before = resolve_lock(function, store, reference), function.lock()
    if before is not None and before.version == lock.version and before != lock:
        shown = "/".join(function.lock_path.parts[-3:])
        raise CommandError(
            f"{shown} pins another version {lock.version} of {function.name} than {store.url} has (its manifest is "
            f"{lock.manifest_sha256[:12]}…, was {before.manifest_sha256[:12]}…), and a version never changes: "
            "choose the store that it was pinned in, or delete the lock and pin again"
        )
    partial = function.lock_path.with_name(f".{function.lock_path.name}.partial")
    partial.write_bytes(lock.to_json(function.name))
    partial.replace(function.lock_path)
    return lock
