"""Drafts: a version that is not written yet, opened as a function opens one that is."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.bundle import Lock
from modelet.digest import digest
from modelet.store.artifacts import Artifacts
from modelet.store.keys import artifact_path
from modelet.store.manifest import ArtifactFile
from modelet.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelet.dev.publish.source.rows import Rows
    from modelet.store.manifest import FrameColumn, Manifest, Pickled

UNWRITTEN: dict[str, Any] = {"version": "0", "created_at": "1970-01-01T00:00:00Z"}
"""Stands in a manifest until a version is claimed."""


@dataclass(frozen=True)
class Package:
    """What will be a version: its files, and its manifest but for the version and the time."""

    files: Mapping[str, bytes]
    manifest: Manifest

    def manifest_of(self, version: str, created_at: str) -> bytes:
        """model.json of one version; the same arguments give the same bytes."""
        return self.manifest._replace(version=version, created_at=created_at).to_json()


class Made(NamedTuple):
    """What a backend makes of a trained estimator.

    main: the name of the file that the backend opens. rows: the examples as they are served, their columns with the
    bounds that were found. libraries: the distributions whose versions the manifest records.
    """

    files: dict[str, bytes]
    main: str
    rows: Rows
    libraries: tuple[str, ...]
    compiled: dict[str, Any] | None = None
    frame: tuple[FrameColumn, ...] = ()
    pickled: Pickled | None = None


@contextmanager
def draft(manifest: Manifest, files: Mapping[str, bytes]) -> Iterator[Artifacts]:
    """The artifacts of what may become a version, from a store of their own that lasts as long as the block."""
    data = manifest.to_json()
    with tempfile.TemporaryDirectory() as folder:
        store = Store((Path(folder) / "store").as_uri())
        for path, content in files.items():
            store.write_once(artifact_path(manifest.name, manifest.version, path), content)
        yield Artifacts.open(store, data, manifest.name, Lock(manifest.version, digest(data)), Path(folder) / "tmp")


def listed(files: Mapping[str, bytes]) -> tuple[ArtifactFile, ...]:
    """Some files as a manifest lists them."""
    return tuple(ArtifactFile(path, len(data), digest(data)) for path, data in sorted(files.items()))
