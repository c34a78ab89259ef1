"""Check that a pinned version can start on this machine, before anything is started."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from modelet.backends import of_file
from modelet.dev.bundle.requirements import checked_by
from modelet.errors import CommandError
from modelet.registry.listing import read_manifest
from modelet.store.keys import artifact_path

if TYPE_CHECKING:
    from modelet.backends import Backend
    from modelet.bundle import Lock
    from modelet.dev.project.project import Function
    from modelet.store.manifest import Manifest
    from modelet.store.store import Store


def check_startable(function: Function, store: Store, lock: Lock) -> None:
    """Raise CommandError if a file of the version is missing in the store, or if other libraries pickled it.

    The bundle checks whether the function's class can open the version.
    """
    manifest, _ = read_manifest(store, function.name, lock.version)
    where = f"{function.name} version {lock.version}"
    there = set(store.paths(f"{function.name}/{lock.version}"))
    gone = [file.path for file in manifest.files if artifact_path(function.name, lock.version, file.path) not in there]
    if gone:
        raise CommandError(
            f"{store.url} lacks {', '.join(gone)} of {where}: copy the version there again with `modelet push`, or "
            f"run `modelet publish {function.name}` and `modelet pin {function.name}`"
        )
    backend = of_file(manifest.model_data)
    if backend is not None and backend.checked:
        _check_libraries(function, manifest, backend)


def _check_libraries(function: Function, manifest: Manifest, backend: Backend) -> None:
    checked = {"python": manifest.runtime.get("python"), **checked_by(backend.name, manifest)}
    for library, wrote in checked.items():
        here = _here(library)
        if here is not None and wrote != here:  # if not installed, another package may provide it
            raise CommandError(
                f"{manifest.model_data} of {function.name} version {manifest.version} was written with {library} "
                f"{wrote}, but {here} is installed: install {wrote}, or run `modelet publish {function.name}` and "
                f"`modelet pin {function.name}`"
            )


def _here(library: str) -> str | None:
    if library == "python":
        return ".".join(platform.python_version_tuple()[:2])
    try:
        return version(library)
    except PackageNotFoundError:
        return None
