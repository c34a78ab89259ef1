"""What a requirements.txt lacks for the pinned version: its image would build, and its function would not start."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from modelet.backends import BACKENDS
from modelet.store.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelet.bundle import Bundle

OURS = "modelet"
TOKENIZERS = "tokenizers"
EXTRAS = {**{name: tuple(record.libraries.values()) for name, record in BACKENDS.items()}, "texts": (TOKENIZERS,)}
"""The distributions that an extra of modelet brings, by its name."""

INCLUDED = "-r"
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
"""The system of an image, whatever system the publisher has."""
OPTION = re.compile(r"(?:^|\s)(?:--hash=\S+|#.*$)")


def lacking(path: Path, bundle: Bundle) -> list[str]:
    """Return the distributions that a requirements.txt lacks, each pinned as the pinned version needs it.

    Libraries whose version a backend checks must be pinned to that version (`==`), because pip may install any other
    one for a range or a bare name. An extra of modelet brings the libraries of its backend, unpinned. Files that one
    includes with `-r`, or takes versions from with `-c`, are not read: then nothing is lacking.
    """
    listed: dict[str, list[Requirement]] = {}
    for name, requirement in _listed(path):
        listed.setdefault(name, []).append(requirement)
    if listed.get(INCLUDED):
        return []
    return [
        f"{name}=={version}" if version else name
        for name, version in needed(bundle).items()
        if not _holds(listed.get(canonicalize_name(name), []), version)
    ]


def needed(bundle: Bundle) -> dict[str, str]:
    """Return the distributions that the pinned version needs, each with its version if that is checked."""
    return needed_by(bundle.spec["backend"], Manifest.parse(bundle.manifest.encode()))


def needed_by(backend: str, manifest: Manifest) -> dict[str, str]:
    """Return the same for a version that a backend serves. Models of texts also need their tokenizer's library."""
    names = dict.fromkeys(BACKENDS[backend].libraries.values(), "")
    if TOKENIZERS in manifest.runtime:
        names[TOKENIZERS] = ""
    return names | checked_by(backend, manifest)


def checked_by(backend: str, manifest: Manifest) -> dict[str, str]:
    """Return the distributions whose version a backend checks when it opens a version, each with that version.

    For a pickle: those that it imports, and pandas if it was tested with a DataFrame. For a booster's own file: its
    library, which a publisher may have had from another distribution (xgboost for xgboost-cpu). For a graph: none.
    """
    record = BACKENDS[backend]
    if manifest.pickled:
        has_frame = any(each.frame for each in (manifest, *(manifest.models or {}).values()))
        names = [*manifest.pickled.packages.values(), *(["pandas"] if has_frame else [])]
        return {name: manifest.runtime.get(name, "") for name in names}
    if record.runs_code:  # a version of an older release
        return {name: manifest.runtime.get(name, "") for name in record.checked}
    return dict.fromkeys(record.checked, manifest.model_lib_version)


def _holds(listed: list[Requirement], version: str) -> bool:
    """Return whether a file lists a distribution: for a version, pinned to it, or from an address."""
    if not version:
        return bool(listed)
    return any(each.url or _pins(each, version) for each in listed)


def _pins(requirement: Requirement, version: str) -> bool:
    exact = any(one.operator in {"==", "==="} and "*" not in one.version for one in requirement.specifier)
    return exact and requirement.specifier.contains(version, prereleases=True)


def _listed(path: Path) -> Iterator[tuple[str, Requirement]]:
    """Yield the requirements of a file by their normalised names."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    for raw in text.splitlines():
        line = OPTION.sub("", raw).strip()
        if line.startswith(("-r", "--requirement", "-c", "--constraint")):
            yield INCLUDED, Requirement(OURS)
        if not line or line.startswith("-"):
            continue
        try:
            found = Requirement(line)
        except InvalidRequirement:
            continue  # pip says what is wrong with it
        if found.marker and not found.marker.evaluate(LINUX):
            continue
        yield canonicalize_name(found.name), found
        for extra in found.extras if found.name == OURS else ():
            yield from ((canonicalize_name(name), Requirement(name)) for name in EXTRAS.get(extra, ()))
