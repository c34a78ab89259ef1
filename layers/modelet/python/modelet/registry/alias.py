"""Aliases: movable names for versions, one small file each, the only files of a store that are ever overwritten."""

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
    """A model's aliases, sorted, and the version of each; None for one whose file is damaged. Raises StoreError."""
    found: dict[str, str | None] = {}
    for file in store.children(aliases_folder(model)) if is_model(model) else ():
        name = file.removesuffix(SUFFIX)
        if name == file or not is_alias(name):
            continue
        try:
            found[name] = _version(store.read(alias_path(model, name)))
        except FileNotFoundError:  # a folder of that name
            continue
    return found


def read_alias(store: Store, model: str, alias: str) -> str | None:
    """The version that an alias names, None where there is no such alias. Raises CommandError for a damaged one."""
    if not (is_model(model) and is_alias(alias)):
        return None
    path = alias_path(model, alias)
    try:
        data = store.read(path)
    except FileNotFoundError:
        return None
    version = _version(data)
    if version is None:
        raise CommandError(f"{store.url}/{path} is no alias: set it anew with `modelet alias {model} {alias} VERSION`")
    return version


def set_alias(store: Store, model: str, alias: str, version: str) -> None:
    """Point an alias at a version, new or moved; of several at once the last one stays, whole.

    Raises CommandError for a name that no alias may have or that a version has, UnknownVersionError where there is no
    such version, and StoreError.
    """
    if not is_alias(alias):
        raise CommandError(f"{alias!r} cannot be an alias: {NAME_RULES['alias']}")
    known = versions(store, model)
    if version not in known:
        raise unknown(store, model, known, f"no version {version!r}")
    if alias in known:
        raise CommandError(f"{alias!r} is a version of {model}: an alias needs a name of its own")
    store.overwrite(alias_path(model, alias), json.dumps({"version": version}).encode() + b"\n")


def _version(data: bytes) -> str | None:
    """The version that an alias's file names, None where it names none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    version = document.get("version") if isinstance(document, dict) else None
    return version if isinstance(version, str) and is_version(version) else None
