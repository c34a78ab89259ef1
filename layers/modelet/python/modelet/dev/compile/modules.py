"""The author's modules that a version's pickles call: they are part of what was proven, so they may not change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.digest import digest
from modelet.errors import CommandError

if TYPE_CHECKING:
    from modelet.dev.project import Function
    from modelet.manifest import Manifest


def check_modules(function: Function, manifest: Manifest) -> None:
    """Raise CommandError where the folder lacks a module that the version was published with, or has another."""
    if manifest.pickled is None:
        return
    for name, sha256 in sorted(manifest.pickled.modules.items()):
        path = function.folder / name
        there = digest(path.read_bytes()) if path.is_file() else None
        if there != sha256:
            raise CommandError(
                f"functions/{function.folder.name}/{name} {'is missing' if there is None else 'has changed'} since "
                f"version {manifest.version} was published, whose pickle calls it: restore it, or publish the model "
                f"again (modelet publish {function.name}) and pin the new version"
            )
