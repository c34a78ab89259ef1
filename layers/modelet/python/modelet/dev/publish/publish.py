"""Publishing: a model becomes an immutable version of a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelet.dev.progress import Progress, Silent
from modelet.dev.project.author import author_modules
from modelet.dev.publish.claim import check_free, claimed
from modelet.dev.publish.write import write_version
from modelet.digest import digest
from modelet.errors import PublishError
from modelet.registry.alias import read_alias
from modelet.store.keys import NAME_RULES, is_version

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from modelet.dev.project.project import Function
    from modelet.dev.publish.draft import Package
    from modelet.dev.publish.source.columns import Type
    from modelet.store.store import Store


@dataclass(frozen=True)
class Published:
    """A version that now exists, and the digest by which it is pinned."""

    name: str
    version: str
    manifest_sha256: str


def publish(
    function: Function,
    store: Store,
    *,
    version: str | None = None,
    from_file: Path | None = None,
    examples: Path | None = None,
    bounded: bool = False,
    types: Mapping[str, Type] | None = None,
    progress: Progress | None = None,
) -> Published:
    """Train a model, or take a finished one; compile it, compare it, and write it as a version.

    version: its name; the next whole number where None. from_file, examples: a finished model in place of train.py,
    and a file of rows for it; `bounded` takes the bounds of its numbers from those rows, and `types` says what columns
    of a CSV hold. Nothing is claimed before the model is complete, and model.json is written last: whatever goes wrong,
    no half of a version is ever seen.
    Raises PublishError and its kin (VersionExistsError, ConversionError, ParityError), and StoreError.
    """
    progress = progress or Silent()
    if version is not None:
        if not is_version(version):
            raise PublishError(f"{version!r} cannot be a version: {NAME_RULES['version']}")
        if read_alias(store, function.name, version) is not None:
            raise PublishError(f"{version!r} is an alias of {function.name}: a version needs a name of its own")
        check_free(store, function.name, version)
    package = _packed(function, from_file, examples, bounded, types, progress)
    with claimed(store, function.name, version, package.manifest_of) as owned:
        progress.step(f"writing version {owned.version} to {store.url}")
        write_version(store, package.manifest, package.files, owned, progress)
    return Published(function.name, owned.version, digest(owned.manifest))


def _packed(
    function: Function,
    from_file: Path | None,
    examples: Path | None,
    bounded: bool,
    types: Mapping[str, Type] | None,
    progress: Progress,
) -> Package:
    from modelet.dev.publish.package import package, package_graph
    from modelet.dev.publish.source.file import given
    from modelet.dev.publish.source.train import trained
    from modelet.dev.publish.source.trained import Trained

    if from_file is None:
        progress.step(f"training {function.name}: functions/{function.folder.name}/train.py")
        with trained(function) as result:
            return package(function, result, progress)
    if examples is None:
        raise PublishError(f"--from {from_file.name} needs --examples: held-out rows, .csv or .json")
    with author_modules(function.folder):  # a pickle may name them
        found = given(from_file, examples, bounded, progress, types)
        if isinstance(found, Trained):
            return package(function, found, progress)
    return package_graph(function, found, progress)
