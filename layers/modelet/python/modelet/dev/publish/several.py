"""Package several estimators as one version: each is compiled and compared by itself, in a folder of its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelet.dev.publish.draft import UNWRITTEN, Package, check_info, listed, own_files
from modelet.errors import PublishError
from modelet.store.manifest import Column, Manifest, Pickled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelet.dev.progress import Progress
    from modelet.dev.project.project import Function
    from modelet.dev.publish.source.trained import Trained

    Packager = Callable[[Function, Trained, Progress], Package]

NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
OF_ONE = ("examples", "columns", "feature_names", "outputs")
"""The members of Trained that may be given for each model by its name."""
MOMENTS = {"datetime", "date"}


class Named:
    """Reports the steps of one of several models with its name."""

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress = progress
        self._name = name

    def step(self, text: str) -> None:
        """Start a new step."""
        self._progress.step(f"{self._name}: {text}")

    def advance(self, done: int, total: int) -> None:
        """Report the step's progress."""
        self._progress.advance(done, total)


def package_several(function: Function, trained: Trained, progress: Progress, package: Packager) -> Package:
    """Package a dict of estimators, each as `package` packages one.

    The version's columns are those of all models: a value must suit each model that has its column. Raises
    PublishError with the model's name, and if two models need different types of one column.
    """
    parts: dict[str, Package] = {}
    for name, estimator in trained.estimator.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise PublishError(f"estimator has {name!r}: use a name of lower-case letters, digits, _ and -")
        given = {member: _of(getattr(trained, member), name, member) for member in OF_ONE}
        alone = replace(trained, estimator=estimator, files={}, info={}, metrics={}, metric="", **given)
        try:
            parts[name] = package(function, alone, Named(progress, name))
        except PublishError as error:
            raise type(error)(f"{name}: {error}") from error
    manifests = {name: _moved(part.manifest, name) for name, part in parts.items()}
    files = {f"{name}/{path}": data for name, part in parts.items() for path, data in part.files.items()}
    check_info(trained)
    files |= own_files(trained, files)
    first = next(iter(manifests.values()))
    columns = _columns(manifests)
    instances: tuple[dict[str, Any], ...] = ()
    samples = [part.instances for part in parts.values()]
    if columns and all(len(sample) == 2 for sample in samples):
        instances = tuple({k: v for sample in samples for k, v in sample[place].items()} for place in range(2))
    manifest = Manifest(
        name=function.name,
        model_lib=first.model_lib,
        model_lib_version=first.model_lib_version,
        model_data=first.model_data,
        features=tuple(column.name for column in columns),
        class_name=", ".join(dict.fromkeys(each.class_name for each in manifests.values())),
        metric=trained.metric,
        performance=dict(trained.metrics),
        feature_importance={},
        model_info={**trained.info, "task": "several", "backend": function.spec.backend},
        files=listed(files),
        columns=columns,
        runtime={name: version for each in manifests.values() for name, version in each.runtime.items()},
        pickled=_pickled([each.pickled for each in manifests.values() if each.pickled]),
        models=manifests,
        **UNWRITTEN,
    )
    return Package(files, manifest, instances)


def _of(given: Any, name: str, member: str) -> Any:
    """Return what one model gets: the value by its name, or the value that all of them have."""
    if not isinstance(given, Mapping):
        return given
    if name not in given:
        raise PublishError(f"{member} has no {name}: give one for each model, or one for all of them")
    return given[name]


def _moved(manifest: Manifest, name: str) -> Manifest:
    """Return the description of a model whose files are in a folder of the version."""
    return manifest._replace(model_data=f"{name}/{manifest.model_data}", files=())


def _columns(manifests: Mapping[str, Manifest]) -> tuple[Column, ...]:
    """Return the columns of all models, each with the values that every model takes; empty if a model has none."""
    found: dict[str, Column] = {}
    if not all(each.columns for each in manifests.values()):
        return ()
    for name, manifest in manifests.items():
        for column in manifest.columns:
            if column.type in MOMENTS:
                raise PublishError(
                    f"{name}: column {column.name} has {column.type}s, which only a version with one model can have: "
                    "train on numbers made of them"
                )
            before = found.get(column.name)
            found[column.name] = column if before is None else _both(before, column)
    return tuple(found.values())


def _both(one: Column, other: Column) -> Column:
    """Return a column whose values both columns take. Raises PublishError if their types differ."""
    if {one.type, other.type} == {"integer", "number"}:
        narrow = one if one.type == "integer" else other
    elif one.type == other.type:
        narrow = one
    else:
        raise PublishError(
            f"column {one.name} has {one.type}s for one model and {other.type}s for another: rename one of them"
        )
    low = [each.minimum for each in (one, other) if each.minimum is not None]
    high = [each.maximum for each in (one, other) if each.maximum is not None]
    if one.categories and other.categories:
        categories = tuple(each for each in one.categories if each in other.categories)
        if not categories:
            raise PublishError(f"column {one.name} has no category that all models know: rename it for one of them")
    else:
        categories = one.categories or other.categories or ()
    return narrow._replace(
        nullable=one.nullable and other.nullable,
        categories=categories or None,
        minimum=max(low, default=None),
        maximum=min(high, default=None),
        found=tuple(dict.fromkeys((*one.found, *other.found))),
    )


def _pickled(parts: Sequence[Pickled]) -> Pickled | None:
    """Return what all pickles of the version import."""
    if not parts:
        return None
    return Pickled(
        packages={name: package for each in parts for name, package in each.packages.items()},
        modules={name: sha256 for each in parts for name, sha256 in each.modules.items()},
    )
