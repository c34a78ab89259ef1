"""Names of models, versions and aliases, and the paths of files in a store (docs/design.md, the store)."""

from __future__ import annotations

MANIFEST = "model.json"
CLAIM = "claim.json"
LATEST = "latest"
ALIASES = "aliases"
CODE = "code"
"""In model.yaml: the version is the function's code, and no trained model is published."""

NAME_RULES = {
    "model": "lower-case letters, digits and hyphens, a letter first, at most 63",
    "version": f"letters, digits and _ . -, a letter or digit first, at most 63, not {LATEST}, {ALIASES} or {CODE}",
    "alias": f"letters, digits and _ . -, a letter or digit first, at most 63, no number, not {LATEST} or {CODE}",
    "path": "letters, digits and _ . - between slashes, no segment that starts with . or -",
    "file": f"letters, digits and _ . - between slashes, no segment that starts with . or -, not {MANIFEST} or {CLAIM}",
}
"""The rules for names, for error messages."""

# Not patterns, which a cold start would compile: a text has only allowed characters if stripping them leaves nothing.
_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_LETTERS = _LOWER + _LOWER.upper()


def is_model(name: str) -> bool:
    """Return whether a model may have this name."""
    return 0 < len(name) <= 63 and name[0] in _LOWER and not name.strip(f"{_LOWER}{_DIGITS}-")


def is_version(name: str) -> bool:
    """Return whether a version may have this name."""
    return name not in {LATEST, ALIASES, CODE} and _is_label(name)


def is_number(version: str) -> bool:
    """Return whether a version's name is an integer as publish assigns them (`7`, not `07`)."""
    return 0 < len(version) <= 63 and not version.strip(_DIGITS) and (version[0] != "0" or version == "0")


def is_alias(name: str) -> bool:
    """Return whether an alias may have this name, which must not look like a version's number."""
    return name not in {LATEST, CODE} and bool(name.strip(_DIGITS)) and _is_label(name)


def is_path(path: str) -> bool:
    """Return whether a path is valid in a store: relative, without hidden segments, `.` or `..`."""
    return len(path) <= 512 and all(
        segment and segment[0] not in ".-" and not segment.strip(f"{_LETTERS}{_DIGITS}_.-")
        for segment in path.split("/")
    )


def is_artifact(path: str) -> bool:
    """Return whether an artifact may have this path below its version."""
    return path not in {MANIFEST, CLAIM} and is_path(path)


def valid_path(path: str) -> str:
    """Return the path unchanged. Raises ValueError unless it is valid, and so stays inside its store."""
    if not is_path(path):
        raise ValueError(f"{path!r} is not a valid path in a store: {NAME_RULES['path']}")
    return path


def version_folder(model: str, version: str) -> str:
    """Return `<model>/<version>`. Raises ValueError for an invalid name."""
    return f"{_named('model', model, is_model(model))}/{_named('version', version, is_version(version))}"


def manifest_path(model: str, version: str) -> str:
    """Return `<model>/<version>/model.json`; a version without it does not exist. Raises ValueError for a bad name."""
    return f"{version_folder(model, version)}/{MANIFEST}"


def claim_path(model: str, version: str) -> str:
    """Return `<model>/<version>/claim.json`, which reserves the version. Raises ValueError for an invalid name."""
    return f"{version_folder(model, version)}/{CLAIM}"


def artifact_path(model: str, version: str, path: str) -> str:
    """Return `<model>/<version>/<path>`. Raises ValueError for an invalid name."""
    return f"{version_folder(model, version)}/{_named('file', path, is_artifact(path))}"


def aliases_folder(model: str) -> str:
    """Return `<model>/aliases`. Raises ValueError for an invalid name."""
    return f"{_named('model', model, is_model(model))}/{ALIASES}"


def alias_path(model: str, alias: str) -> str:
    """Return `<model>/aliases/<alias>.json`. Raises ValueError for an invalid name."""
    return f"{aliases_folder(model)}/{_named('alias', alias, is_alias(alias))}.json"


def _named(kind: str, name: str, fits: bool) -> str:
    if not fits:
        raise ValueError(f"{name!r} is not a valid {kind} name: {NAME_RULES[kind]}")
    return name


def _is_label(name: str) -> bool:
    return 0 < len(name) <= 63 and name[0] not in "_.-" and not name.strip(f"{_LETTERS}{_DIGITS}_.-")
