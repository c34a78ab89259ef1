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
OPTION = re.compile(r"(?:^|\s)(?:--hash=\S+|#.*$)")


def lacking(path: Path, bundle: Bundle) -> list[str]:
    """Return the distributions that a requirements.txt lacks, each pinned as the pinned version needs it.

    Libraries whose version a backend checks must have that version. An extra of modelet brings the libraries of its
    backend. Requirements that a file includes with `-r` are not read: then nothing is lacking.
    """
    listed = dict(_listed(path))
    if listed.get("-r"):
        return []
    return [
        f"{name}=={version}" if version else name
        for name, version in needed(bundle).items()
        if not _holds(listed, name, version)
    ]


def needed(bundle: Bundle) -> dict[str, str]:
    """Return the distributions that the pinned version needs, each with its version if that is checked."""
    return needed_by(bundle.spec["backend"], Manifest.parse(bundle.manifest.encode()))


def needed_by(backend: str, manifest: Manifest) -> dict[str, str]:
    """Return the same for a version that a backend serves."""
    record = BACKENDS[backend]
    names = dict.fromkeys(record.libraries.values(), "")
    if manifest.pickled:
        names |= {name: manifest.runtime.get(name, "") for name in manifest.pickled.packages.values()}
        names |= {name: manifest.runtime.get(name, "") for name in record.checked}
    if manifest.frame and manifest.pickled:
        names["pandas"] = manifest.runtime.get("pandas", "")
    return names


def _holds(listed: dict[str, Requirement | None], name: str, version: str) -> bool:
    found = listed.get(canonicalize_name(name))
    if found is None:
        return False
    return not version or not found.specifier or found.specifier.contains(version, prereleases=True)


def _listed(path: Path) -> Iterator[tuple[str, Requirement | None]]:
    """Yield the requirements of a file by their normalised names."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    for raw in text.splitlines():
        line = OPTION.sub("", raw).strip()
        if line.startswith(("-r", "--requirement")):
            yield "-r", Requirement(OURS)
        if not line or line.startswith("-"):
            continue
        try:
            found = Requirement(line)
        except InvalidRequirement:
            continue  # pip says what is wrong with it
        yield canonicalize_name(found.name), found
        for extra in found.extras if found.name == OURS else ():
            if extra in BACKENDS:
                yield from ((canonicalize_name(name), Requirement(name)) for name in BACKENDS[extra].libraries.values())
