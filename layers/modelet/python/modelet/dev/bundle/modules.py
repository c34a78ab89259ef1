"""Check that the author's modules which a version's pickles use have not changed since it was published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.dev.bundle.own import module_of, own_file, own_files
from modelet.digest import digest
from modelet.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from modelet.dev.project.project import Function
    from modelet.store.manifest import Manifest, Pickled


def check_modules(function: Function, manifest: Manifest) -> None:
    """Raise CommandError if a module that the version was published with is missing or has changed.

    A new file that Python would import instead of such a module or of a library is also an error.
    """
    if manifest.pickled is None:
        return
    place, again = f"functions/{function.folder.name}", f"publish the model again (modelet publish {function.name})"
    for name, sha256 in sorted(manifest.pickled.modules.items()):
        path = function.folder / name
        there = digest(path.read_bytes()) if path.is_file() else None
        if there != sha256:
            raise CommandError(
                f"{place}/{name} {'is missing' if there is None else 'has changed'} since version {manifest.version} "
                f"was published, and its pickle uses it: restore it, or {again} and pin the new version"
            )
    for name in sorted(_added(manifest.pickled, function.folder)):
        raise CommandError(
            f"{place}/{name} did not exist when version {manifest.version} was published, but its pickle would now "
            f"import it: remove or rename it, or {again} and pin the new version"
        )


def _added(pickled: Pickled, folder: Path) -> set[str]:
    """Return the files that opening the pickles would import now, and that were not recorded."""
    found = own_files(map(module_of, pickled.modules), folder)
    found |= {path for name in pickled.packages if (path := own_file(folder, name))}
    return {path.relative_to(folder).as_posix() for path in found} - pickled.modules.keys()
