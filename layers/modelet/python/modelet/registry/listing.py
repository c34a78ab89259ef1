"""List the models of a store and the versions of a model, and read manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.digest import digest
from modelet.errors import ManifestError, UnknownVersionError
from modelet.store.keys import MANIFEST, is_model, is_number, is_version, manifest_path
from modelet.store.manifest import Manifest

if TYPE_CHECKING:
    from modelet.store.store import Store

LISTED = 20
"""The most names that a message lists; the newest if there are more."""

NO_NUMBER = "no numbered version"


def models(store: Store) -> list[str]:
    """Return the sorted names of the models that have a version. Raises StoreError."""
    return [name for name in store.children("") if is_model(name) and versions(store, name)]


def versions(store: Store, model: str) -> list[str]:
    """Return a model's versions: integers in numeric order, then the other names; claims without a manifest are not.

    Raises StoreError.
    """
    found = []
    for path in store.paths(model) if is_model(model) else ():
        version, _, rest = path.removeprefix(f"{model}/").partition("/")
        if rest == MANIFEST and is_version(version):
            found.append(version)
    return sorted(found, key=_order)


def latest(store: Store, model: str) -> str:
    """Return a model's highest integer version. Raises UnknownVersionError if there is none, and StoreError."""
    known = versions(store, model)
    numbers = [version for version in known if is_number(version)]
    if not numbers:
        raise unknown(store, model, known, NO_NUMBER)
    return numbers[-1]


def read_manifest(store: Store, model: str, version: str) -> tuple[Manifest, str]:
    """Return a version's manifest and the SHA-256 of its bytes.

    Raises UnknownVersionError if the version does not exist, ManifestError if its model.json is damaged or belongs to
    another version, and StoreError.
    """
    if not (is_model(model) and is_version(version)):
        raise unknown(store, model, versions(store, model), f"no version {version!r}")
    path = manifest_path(model, version)
    try:
        data = store.read(path)
    except FileNotFoundError:
        raise unknown(store, model, versions(store, model), f"no version {version!r}") from None
    try:
        manifest = Manifest.parse(data)
    except ManifestError as error:
        raise ManifestError(f"{store.url}/{path}: {error}") from None
    if (manifest.name, manifest.version) != (model, version):
        raise ManifestError(
            f"{store.url}/{path} is the manifest of {manifest.name} version {manifest.version}, copied by hand: "
            "copy versions with `modelet push`"
        )
    return manifest, digest(data)


def unknown(
    store: Store, model: str, known: list[str], lacks: str, aliases: list[str] | None = None
) -> UnknownVersionError:
    """Return an error with what the model lacks, the existing names, and the command that helps."""
    if not known:
        names = models(store)
        listed = f"; its models: {_listed(names)}" if names else ""
        return UnknownVersionError(
            f"{store.url} has no model {model!r}{listed}; `modelet publish {model}` makes its first version"
        )
    named = f"; aliases: {_listed(aliases)}" if aliases else ""
    pinned = f", `modelet pin {model} {known[-1]}` serves that one" if lacks == NO_NUMBER else ""
    return UnknownVersionError(
        f"{model} has {lacks} in {store.url}; versions: {_listed(known)}{named}; "
        f"`modelet publish {model}` makes one{pinned}"
    )


def _order(version: str) -> tuple[bool, int, str]:
    number = is_number(version)
    return not number, int(version) if number else 0, version


def _listed(names: list[str]) -> str:
    more = f"{len(names) - LISTED} more, " if len(names) > LISTED else ""
    return more + ", ".join(names[-LISTED:])
