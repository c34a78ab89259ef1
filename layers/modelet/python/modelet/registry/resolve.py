"""Resolve a reference (a version, an alias or `latest`) to the version that it means now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.registry.alias import aliases, read_alias
from modelet.registry.listing import latest, unknown, versions
from modelet.store.keys import LATEST

if TYPE_CHECKING:
    from modelet.store.store import Store


def resolve(store: Store, model: str, reference: str) -> str:
    """Return the version that a reference means; a version takes precedence over an alias of the same name.

    Raises UnknownVersionError, with the existing names, for an unknown model or reference and for an alias whose
    version is not in this store; CommandError for a damaged alias; StoreError.
    """
    if reference == LATEST:
        return latest(store, model)
    known = versions(store, model)
    if reference in known:
        return reference
    version = read_alias(store, model, reference)
    if version in known:
        return version
    lacks = f"no version or alias {reference!r}"
    if version is not None:
        lacks = f"no version {version!r}, to which alias {reference!r} points"
    named = [f"{alias} = {target or 'damaged'}" for alias, target in aliases(store, model).items()]
    raise unknown(store, model, known, lacks, named)
