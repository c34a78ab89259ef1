"""Pin the version that a function serves, by the digest of its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.bundle import Lock
from modelet.dev.publish.code import code_lock
from modelet.errors import CommandError, UnknownVersionError
from modelet.registry.listing import read_manifest
from modelet.registry.resolve import resolve
from modelet.store.keys import CODE

if TYPE_CHECKING:
    from modelet.dev.project.project import Function
    from modelet.store.store import Store


def resolve_lock(function: Function, store: Store, reference: str | None = None) -> Lock:
    """Return the lock for a version, an alias or `latest`, by default for model.yaml's `version`, without writing it.

    With `version: code`, the version of the code is written to the store if it is not there.
    Raises UnknownVersionError that lists the versions, ManifestError, and StoreError.
    """
    if function.is_code:
        lock = code_lock(function, store)
        if reference not in {None, CODE, lock.version}:
            raise UnknownVersionError(
                f"functions/{function.folder.name}/model.yaml has version: code, and the code is {lock.version}, not "
                f"{reference}: restore that code, or name a version in model.yaml"
            )
        return lock
    version = resolve(store, function.name, reference or function.spec.version)
    return Lock(version, read_manifest(store, function.name, version)[1])


def pin(function: Function, store: Store, reference: str | None = None) -> Lock:
    """Write model.lock atomically.

    Raises the errors of `resolve_lock`, BundleError if the existing model.lock is not valid, and CommandError if it
    pins the same version with another manifest, because a version never changes.
    """
    lock, before = resolve_lock(function, store, reference), function.lock()
    if before is not None and before.version == lock.version and before != lock:
        shown = "/".join(function.lock_path.parts[-3:])
        raise CommandError(
            f"{shown} pins another version {lock.version} of {function.name} than the one in {store.url} (its manifest "
            f"is {lock.manifest_sha256[:12]}…, not {before.manifest_sha256[:12]}…), but a version never changes: "
            "use the store in which it was pinned, or delete the lock and pin again"
        )
    partial = function.lock_path.with_name(f".{function.lock_path.name}.partial")
    partial.write_bytes(lock.to_json(function.name))
    partial.replace(function.lock_path)
    return lock
