"""Drafts: open a version that is not written yet, as a function opens a published one."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.bundle import Lock
from modelet.digest import digest
from modelet.errors import PublishError
from modelet.store.artifacts import Artifacts
from modelet.store.keys import NAME_RULES, artifact_path, is_artifact
from modelet.store.manifest import ArtifactFile
from modelet.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from modelet.dev.publish.source.rows import Rows
    from modelet.dev.publish.source.trained import Trained
    from modelet.store.manifest import FrameColumn, Manifest, Pickled

UNWRITTEN: dict[str, Any] = {"version": "0", "created_at": "1970-01-01T00:00:00Z"}
"""The placeholder in a manifest until a version is claimed."""
FOUND_OUT = frozenset({"task", "labels", "targets", "params", "backend", "backend_reason"})
"""The keys of model_info that publish sets itself."""


@dataclass(frozen=True)
class Package:
    """The files of a future version, and its manifest without the version and the time.

    instances: two of the examples as requests have them, if they have columns.
    """

    files: Mapping[str, bytes]
    manifest: Manifest
    instances: tuple[dict[str, Any], ...] = ()

    def with_info(self, more: Mapping[str, Any]) -> Package:
        """Return the package with further entries of `model_info`."""
        info = {**self.manifest.model_info, **more}
        return replace(self, manifest=self.manifest._replace(model_info=info))

    def manifest_of(self, version: str, created_at: str) -> bytes:
        """Return model.json for a version. The same arguments give the same bytes."""
        return self.manifest._replace(version=version, created_at=created_at).to_json()


class Made(NamedTuple):
    """The files and data that a backend creates from a trained estimator.

    main: the name of the file that the backend opens. rows: the examples as they are served, with the bounds that were
    found in their columns. libraries: the distributions whose versions the manifest records.
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
    """Yield the artifacts of a future version, in a temporary store."""
    data = manifest.to_json()
    with tempfile.TemporaryDirectory() as folder:
        store = Store((Path(folder) / "store").as_uri())
        for path, content in files.items():
            store.write_once(artifact_path(manifest.name, manifest.version, path), content)
        yield Artifacts.open(store, data, manifest.name, Lock(manifest.version, digest(data)), Path(folder) / "tmp")


def listed(files: Mapping[str, bytes]) -> tuple[ArtifactFile, ...]:
    """Return files in the form in which a manifest lists them."""
    return tuple(ArtifactFile(path, len(data), digest(data)) for path, data in sorted(files.items()))


def own_files(trained: Trained, taken: Container[str]) -> dict[str, bytes]:
    """Return the author's own files for a version. Raises PublishError for a name that is taken or not valid."""
    files = {}
    for name, value in trained.files.items():
        if name in taken or not is_artifact(name):
            raise PublishError(f"files has {name!r}: choose another name, {NAME_RULES['file']}")
        files[name] = value if isinstance(value, bytes) else _json(name, value)
    return files


def check_info(trained: Trained) -> None:
    """Raise PublishError if an author's entry of `model_info` is one that publish sets."""
    if taken := FOUND_OUT & trained.info.keys():
        raise PublishError(f"info has {', '.join(sorted(taken))}, which publish sets itself: remove it")


def _json(name: str, value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise PublishError(f"files: {name} is neither bytes nor valid JSON ({error}): give one of them") from error
