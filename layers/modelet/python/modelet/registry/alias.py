"""Aliases: movable names for versions, one small file each. No other file in a store is ever overwritten."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from modelet.errors import CommandError
from modelet.registry.listing import unknown, versions
from modelet.store.keys import NAME_RULES, alias_path, aliases_folder, is_alias, is_model, is_version

if TYPE_CHECKING:
    from modelet.store.store import Store

SUFFIX = ".json"


def aliases(store: Store, model: str) -> dict[str, str | None]:
    """Return a model's sorted aliases and the version of each, None if its file is damaged. Raises StoreError."""
    found: dict[str, str | None] = {}
    for file in store.children(aliases_folder(model)) if is_model(model) else ():
        name = file.removesuffix(SUFFIX)
        if name == file or not is_alias(name):
            continue
        try:
            found[name] = _version(store.read(alias_path(model, name)))
        except FileNotFoundError:  # a folder with that name
            continue
    return found


def read_alias(store: Store, model: str, alias: str) -> str | None:
    """Return the version of an alias, None if the alias does not exist. Raises CommandError if its file is damaged."""
    if not (is_model(model) and is_alias(alias)):
        return None
    path = alias_path(model, alias)
    try:
        data = store.read(path)
    except FileNotFoundError:
        return None
    version = _version(data)
    if version is None:
        raise CommandError(
            f"{store.url}/{path} is not a valid alias: set it again with `modelet alias {model} {alias} VERSION`"
        )
    return version


def set_alias(store: Store, model: str, alias: str, version: str) -> None:
    """Create or move an alias; of several concurrent writes, the last one wins.

    Raises CommandError if the name is not valid or is that of a version, UnknownVersionError if the version does not
    exist, and StoreError.
    """
    if not is_alias(alias):
        raise CommandError(f"{alias!r} cannot be an alias: {NAME_RULES['alias']}")
    known = versions(store, model)
    if version not in known:
        raise unknown(store, model, known, f"no version {version!r}")
    if alias in known:
        raise CommandError(f"{alias!r} is a version of {model}: choose another name for the alias")
    store.overwrite(alias_path(model, alias), json.dumps({"version": version}).encode() + b"\n")


def _version(data: bytes) -> str | None:
    """Return the version in an alias's file, None if the file is damaged."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    version = document.get("version") if isinstance(document, dict) else None
    return version if isinstance(version, str) and is_version(version) else None
