"""The names of things in a store: models, versions, aliases, and the path of each file (docs/design.md, the store)."""

from __future__ import annotations

MANIFEST = "model.json"
CLAIM = "claim.json"
LATEST = "latest"
ALIASES = "aliases"

NAME_RULES = {
    "model": "lower-case letters, digits and hyphens, a letter first, at most 63",
    "version": f"letters, digits and _ . -, a letter or digit first, at most 63, not {LATEST!r} or {ALIASES!r}",
    "alias": f"letters, digits and _ . -, a letter or digit first, at most 63, no number and not {LATEST!r}",
    "path": "letters, digits and _ . - between slashes, no segment that starts with . or -",
    "file": f"letters, digits and _ . - between slashes, no segment that starts with . or -, not {MANIFEST} or {CLAIM}",
}
"""What a name may be, for the messages of those who refuse one."""

# A cold start compiles no pattern here: a text has only allowed characters when stripping them leaves nothing.
_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_LETTERS = _LOWER + _LOWER.upper()


def is_model(name: str) -> bool:
    """Whether a model may have this name."""
    return 0 < len(name) <= 63 and name[0] in _LOWER and not name.strip(f"{_LOWER}{_DIGITS}-")


def is_version(name: str) -> bool:
    """Whether a version may have this name."""
    return name not in {LATEST, ALIASES} and _is_label(name)


def is_number(version: str) -> bool:
    """Whether a version's name is one of the integers that publish counts (`7`, not `07`)."""
    return 0 < len(version) <= 63 and not version.strip(_DIGITS) and (version[0] != "0" or version == "0")


def is_alias(name: str) -> bool:
    """Whether an alias may have this name: never one that could be read as a version's number."""
    return name != LATEST and bool(name.strip(_DIGITS)) and _is_label(name)


def is_path(path: str) -> bool:
    """Whether a path can be meant in a store: relative, of plain segments, none of them hidden, `.` or `..`."""
    return len(path) <= 512 and all(
        segment and segment[0] not in ".-" and not segment.strip(f"{_LETTERS}{_DIGITS}_.-")
        for segment in path.split("/")
    )


def is_artifact(path: str) -> bool:
    """Whether an artifact may have this path below its version."""
    return path not in {MANIFEST, CLAIM} and is_path(path)


def plain(path: str) -> str:
    """A path as it came: it stays inside its store, on a disk as in S3. Raises ValueError where it does not."""
    if not is_path(path):
        raise ValueError(f"{path!r} is no path in a store: {NAME_RULES['path']}")
    return path


def version_folder(model: str, version: str) -> str:
    """`<model>/<version>`. Raises ValueError where a name is not one."""
    return f"{_named('model', model, is_model(model))}/{_named('version', version, is_version(version))}"


def manifest_path(model: str, version: str) -> str:
    """`<model>/<version>/model.json`, without it there is no version. Raises ValueError where a name is not one."""
    return f"{version_folder(model, version)}/{MANIFEST}"


def claim_path(model: str, version: str) -> str:
    """`<model>/<version>/claim.json`, written first to own the version. Raises ValueError where a name is not one."""
    return f"{version_folder(model, version)}/{CLAIM}"


def artifact_path(model: str, version: str, path: str) -> str:
    """`<model>/<version>/<path>`. Raises ValueError where a name is not one."""
    return f"{version_folder(model, version)}/{_named('file', path, is_artifact(path))}"


def aliases_folder(model: str) -> str:
    """`<model>/aliases`. Raises ValueError where the name is not one."""
    return f"{_named('model', model, is_model(model))}/{ALIASES}"


def alias_path(model: str, alias: str) -> str:
    """`<model>/aliases/<alias>.json`. Raises ValueError where a name is not one."""
    return f"{aliases_folder(model)}/{_named('alias', alias, is_alias(alias))}.json"


def _named(kind: str, name: str, fits: bool) -> str:
    if not fits:
        raise ValueError(f"{name!r} is no name of a {kind}: {NAME_RULES[kind]}")
    return name


def _is_label(name: str) -> bool:
    return 0 < len(name) <= 63 and name[0] not in "_.-" and not name.strip(f"{_LETTERS}{_DIGITS}_.-")
