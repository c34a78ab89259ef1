"""Publish a model as an immutable version in a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelet.backends import AUTO
from modelet.dev.progress import Progress, Silent
from modelet.dev.project.author import author_modules
from modelet.dev.publish.claim import check_free, claimed
from modelet.dev.publish.code import code_lock, refuse_publish
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
    """The new version, the digest of its manifest for pinning, and the files of the folder that were written."""

    name: str
    version: str
    manifest_sha256: str
    written: tuple[Path, ...] = ()


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
    """Train a model, or use a trained one, compile and compare it, and write it as a version.

    version: its name, by default the next number. from_file, examples: a trained model instead of train.py, and a file
    of rows for it. bounded: use the smallest and largest numbers of these rows as bounds. types: the types of the
    columns of a CSV file. The version is claimed only when the model is complete, and model.json is written last, so
    that a partial version is never visible.
    Raises PublishError and its subclasses (VersionExistsError, ConversionError, ParityError), and StoreError.
    """
    progress = progress or Silent()
    if function.is_code:
        refuse_publish(function, version=version, **{"from": from_file}, examples=examples)
        return Published(function.name, *code_lock(function, store))
    if version is not None:
        if not is_version(version):
            raise PublishError(f"{version!r} is not a valid version: {NAME_RULES['version']}")
        if read_alias(store, function.name, version) is not None:
            raise PublishError(f"{version!r} is an alias of {function.name}: choose another name for the version")
        check_free(store, function.name, version)
    package = _packed(function, from_file, examples, bounded, types, progress)
    with claimed(store, function.name, version, package.manifest_of) as owned:
        progress.step(f"writing version {owned.version} to {store.url}")
        write_version(store, package.manifest, package.files, owned, progress)
    written = _completed(function, package, progress) if function.spec.backend == AUTO else []
    return Published(function.name, owned.version, digest(owned.manifest), tuple(written))


def _completed(function: Function, package: Package, progress: Progress) -> list[Path]:
    """Write what the folder lacks. A request with other fields than the columns needs an event of the author's."""
    from modelet.dev.scaffold.complete import complete

    spec, instances = function.spec, package.instances
    if instances and (spec.features or spec.id or (spec.logic is not None and spec.logic.instance is not None)):
        instances = ()
        event = f"events/{function.folder.name}/infer.json"
        if not (function.folder.parent.parent / event).is_file():
            progress.step(f"note: an instance has other fields than the columns: write {event} before you deploy")
    return complete(function, package.manifest.model_info["backend"], package.manifest, instances)


def _packed(
    function: Function,
    from_file: Path | None,
    examples: Path | None,
    bounded: bool,
    types: Mapping[str, Type] | None,
    progress: Progress,
) -> Package:
    from modelet.dev.publish.choose import packaged
    from modelet.dev.publish.exported import package_exported
    from modelet.dev.publish.modules import package_module
    from modelet.dev.publish.source.exported import Exported
    from modelet.dev.publish.source.module import ExportedModule
    from modelet.dev.publish.source.train import trained

    if from_file is not None:
        if examples is None:
            raise PublishError(f"--from {from_file.name} needs --examples: held-out rows, .csv or .json")
        return _from_file(function, from_file, examples, bounded, types, progress)
    progress.step(f"training {function.name}: functions/{function.folder.name}/train.py")
    with trained(function) as result:
        if isinstance(result, Exported):
            return package_exported(function, result, progress)
        _check_quantizes(function)
        if isinstance(result, ExportedModule):
            return package_module(function, result, bounded, progress)
        return packaged(function, result, progress)


def _from_file(
    function: Function,
    from_file: Path,
    examples: Path,
    bounded: bool,
    types: Mapping[str, Type] | None,
    progress: Progress,
) -> Package:
    from modelet.dev.publish.choose import packaged
    from modelet.dev.publish.exported import package_exported
    from modelet.dev.publish.modules import package_module
    from modelet.dev.publish.package import package_graph
    from modelet.dev.publish.source.file import given
    from modelet.dev.publish.source.folder import exported, is_text_model
    from modelet.dev.publish.source.module import exported_module, is_module
    from modelet.dev.publish.source.trained import Trained

    if is_module(from_file):
        _check_quantizes(function)
        if types:
            raise PublishError("--types is for columns of estimators and graphs, not for a module of torch: remove it")
        with exported_module(function, from_file, examples, progress) as module:
            return package_module(function, module, bounded, progress)
    if is_text_model(from_file):
        with exported(from_file, examples, progress, function.folder.parents[1]) as texts:
            return package_exported(function, texts, progress)
    _check_quantizes(function)
    with author_modules(function.folder):  # a pickle may need them
        found = given(from_file, examples, bounded, progress, types)
        if isinstance(found, Trained):
            return packaged(function, found, progress)
    return package_graph(function, found, progress)


def _check_quantizes(function: Function) -> None:
    if function.spec.quantize is not None:
        raise PublishError(
            f"functions/{function.folder.name}/model.yaml has quantize, which is for models of texts only: remove it"
        )
