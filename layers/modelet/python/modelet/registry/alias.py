"""Aliases: movable names for versions, one small file each, the only files of a store that are ever overwritten."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from modelet.errors import CommandError
from modelet.layout import NAME_RULES, alias_path, aliases_folder, is_alias, is_model, is_version
from modelet.registry.listing import unknown, versions

if TYPE_CHECKING:
    from modelet.store import Store

SUFFIX = ".json"


def aliases(store: Store, model: str) -> dict[str, str]:
    """A model's aliases, sorted, and the version of each. Raises CommandError for a damaged one, and StoreError."""
    if not is_model(model):
        return {}
    names = [name.removesuffix(SUFFIX) for name in store.children(aliases_folder(model)) if name.endswith(SUFFIX)]
    found = {name: read_alias(store, model, name) for name in names if is_alias(name)}
    return {name: version for name, version in found.items() if version is not None}


def read_alias(store: Store, model: str, alias: str) -> str | None:
    """The version that an alias names, None where there is no such alias. Raises CommandError for a damaged one."""
    if not (is_model(model) and is_alias(alias)):
        return None
    path = alias_path(model, alias)
    try:
        data = store.read(path)
    except FileNotFoundError:
        return None
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    version = document.get("version") if isinstance(document, dict) else None
    if not isinstance(version, str) or not is_version(version):
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
