"""`artifact: baked`: the locked version's files beside a function's code, for its image.

They lie there as in a store, `baked/<model>/<version>/…`, and the image's function reads them as one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from modelet.dev.progress import Progress, Silent
from modelet.errors import CommandError
from modelet.store.keys import artifact_path, manifest_path
from modelet.store.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.bundle import Bundle
    from modelet.store.store import Store

BAKED = "baked"
"""The folder of a function that its locked version is copied to; it is generated, never committed."""

MARK = ".gitignore"
MADE = "# Made by `modelet bundle`, which makes it again.\n*\n"
"""A MARK of this text says that the folder is ours, and keeps it out of git; .dockerignore keeps the MARK out."""

LARGEST = 9_500_000_000
"""Bytes of a version that fit into an image: Lambda takes 10 GB, and what a model runs on takes up to 0.5 of them."""


def bake(folder: Path, bundle: Bundle, store: Store, progress: Progress | None = None) -> None:
    """Let a function's folder hold what its spec's `artifact` says: the version of its bundle, or none.

    What is there is replaced whole or not at all, and left as it is where it is true already. Raises CommandError for a
    version too large for an image, or where the author has a folder of that name; ArtifactError where the store's copy
    is damaged; StoreError.
    """
    place = folder / BAKED
    with _turn(folder), _workshop(folder) as workshop:
        ours = _is_ours(place)
        if bundle.spec["artifact"] == "baked":
            if place.exists() and not ours:
                raise CommandError(
                    f"functions/{folder.name}/{BAKED}: is not modelet's, and `artifact: baked` copies the version "
                    "there: rename it"
                )
            if is_baked(folder, bundle):
                return
            _copy(folder, bundle, store, workshop / "new", progress or Silent())
        if ours:
            place.rename(workshop / "old")
        if (workshop / "new").exists():
            (workshop / "new").rename(place)


def is_baked(folder: Path, bundle: Bundle) -> bool:
    """Whether a function's folder holds the version of its bundle and nothing else, every byte as it was published."""
    place = folder / BAKED
    version = place / bundle.name / bundle.lock.version
    files = {version / file.path: file.sha256 for file in Manifest.parse(bundle.manifest.encode()).files}
    files[place / manifest_path(bundle.name, bundle.lock.version)] = bundle.lock.manifest_sha256
    there = {path for path in place.rglob("*") if not path.is_dir()}
    return (
        _is_ours(place)
        and there == {*files, place / MARK}
        and all(_sha256(path) == sha256 for path, sha256 in files.items())
    )


def _copy(folder: Path, bundle: Bundle, store: Store, target: Path, progress: Progress) -> None:
    """Make `target` a store of the one version."""
    name, version = bundle.name, bundle.lock.version
    files = Manifest.parse(bundle.manifest.encode()).files
    done, total = 0, sum(file.bytes for file in files)
    if total > LARGEST:
        raise CommandError(
            f"functions/{folder.name}/model.yaml: artifact: version {version} has {total:,} bytes, and beside what it "
            f"runs on an image has room for {LARGEST:,}: write `artifact: store`"
        )
    progress.step(f"copying {name} version {version} to functions/{folder.name}/{BAKED}")
    for file in files:
        path = artifact_path(name, version, file.path)
        store.fetch_to(path, target / path, file.bytes, file.sha256).chmod(0o644)  # a function is not who made it
        done += file.bytes
        progress.advance(done, total)
    (target / manifest_path(name, version)).write_bytes(bundle.manifest.encode())
    (target / MARK).write_text(MADE)


def _is_ours(place: Path) -> bool:
    mark = place / MARK
    return mark.is_file() and mark.read_text() == MADE


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """One process at a time bakes in a project; the kernel ends the turn of one that is killed."""
    lock = folder.parents[1] / ".modelet" / "baking.lock"
    lock.parent.mkdir(exist_ok=True)
    held = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """A hidden folder on the same disk, where a rename is one step; what killed processes left goes first."""
    for left in folder.glob(f".{BAKED}.*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{BAKED}.") as made:
        yield Path(made)
