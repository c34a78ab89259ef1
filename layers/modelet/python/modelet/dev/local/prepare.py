"""Prepare a function of the project to run on this machine: its version, its bundle, its configuration."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from modelet.bundle import ENTRY_POINT
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.local.run import run_folder
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.snapshot import take_snapshot
from modelet.dev.local.startable import check_startable
from modelet.dev.publish.pin import resolve_lock
from modelet.errors import CommandError, ModeletError
from modelet.registry.listing import read_manifest
from modelet.settings import get_variable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from modelet.bundle import Lock
    from modelet.dev.project.project import Function, Project
    from modelet.store.store import Store

INDEX = "models_index"
"""The platform function that lists the models and handles all other paths."""

UNRESERVED = 10
"""The most requests at once for a model without a reservation; in AWS it shares the account's concurrency."""

_numbers = itertools.count(1)


def lock_for(function: Function, store: Store) -> Lock:
    """Return the pinned version, or without a lock the version in model.yaml; with `version: code`, that of the code.

    Raises UnknownVersionError if the store does not have it, CommandError if its manifest in the store is another one.
    """
    lock = (None if function.is_code else function.lock()) or resolve_lock(function, store)
    _, sha256 = read_manifest(store, function.name, lock.version)
    if sha256 != lock.manifest_sha256:
        raise CommandError(
            f"functions/{function.folder.name}/model.lock pins another version {lock.version} of {function.name} than "
            f"the one in {store.url}: use the store in which it was pinned, or delete the lock and run "
            f"`modelet pin {function.name}`"
        )
    return lock


def generation(function: Function, store: Store, lock: Lock | None = None) -> LocalFunction:
    """Return the function for `modelet up`, in a snapshot of its folder that later edits do not change.

    Raises the errors of `local_function` and `check_startable`, and CommandError if the folder cannot be copied.
    """
    lock = lock or lock_for(function, store)
    copy = snapshot_of(function.folder, function.folder.parents[1])
    try:
        check_startable(function, store, lock)
        return local_function(function, store, lock, copy)
    except ModeletError as error:
        shutil.rmtree(copy.parent, ignore_errors=True)
        error.args = tuple(str(said).replace(str(copy), str(function.folder)) for said in error.args)
        raise


def local_function(
    function: Function, store: Store, lock: Lock | None = None, snapshot: Path | None = None
) -> LocalFunction:
    """Write a bundle for this run of the function, and return its configuration.

    lock: the version, by default that of `lock_for`. snapshot: a copy of the function's folder to run in, by default
    the folder itself. Each call writes a new bundle in a folder of this process, so that no other command and no later
    call changes a running environment. Raises the errors of `lock_for` and `write_bundle`, and CommandError if a secret
    is not set in the shell.
    """
    path = run_folder(function.folder.parents[1]) / f"{function.name}-{next(_numbers)}.json"
    runs = replace(function, folder=snapshot or function.folder)
    bundled = write_bundle(runs, store, lock or lock_for(function, store), path)
    pinned = bundled.bundle.lock
    resources, scaling = function.spec.resources, function.spec.scaling
    return LocalFunction(
        name=function.name,
        folder=runs.folder,
        sources=function.folder if snapshot else None,
        version=pinned.version,
        handler=ENTRY_POINT,
        memory_mb=resources.memory_mb,
        timeout_s=resources.timeout_s,
        max_concurrency=scaling.max_concurrency or max(UNRESERVED, scaling.provisioned),
        provisioned=scaling.provisioned,
        snapstart=scaling.snapstart,
        environment={
            **function.spec.environment,
            **_secrets(function),
            "MODELET_STORE": store.url,
            "MODELET_BUNDLE": str(path),
            "MODELET_BUNDLE_SHA256": bundled.sha256,
            "MODELET_LOCK": f"{pinned.version}@{pinned.manifest_sha256}",
        },
    )


def _secrets(function: Function) -> dict[str, str]:
    """Return the variables with a function's secrets: their values come from the shell, not from AWS."""
    values: dict[str, str] = {}
    for name in function.spec.secrets:
        value = get_variable(name)
        if value is None:
            raise CommandError(
                f"functions/{function.folder.name}/model.yaml: secrets.{name}: is read from the shell on this machine, "
                f"but it is not set: run `export {name}=…` and try again"
            )
        values[name] = value
    return {**values, "MODELET_SECRETS": json.dumps(function.spec.secrets)} if values else {}


def index_function(project: Project, served: Iterable[tuple[str, str]]) -> LocalFunction | None:
    """Return the project's models_index, or None. served: the name and version of each served model.

    It runs in a snapshot of its folder, like a `generation`.
    """
    folder = project.root / "functions" / INDEX
    if not (folder / "app.py").is_file():
        return None
    models = json.dumps(dict(served))
    return LocalFunction(
        INDEX.replace("_", "-"),
        snapshot_of(folder, project.root),
        "app.handler",
        environment={"MODELET_MODELS": models},
        sources=folder,
    )


def snapshot_of(folder: Path, root: Path) -> Path:
    """Copy a function's folder into the folder of this process, with the same name, which is the model's name.

    root: the project's. Raises CommandError if it cannot be written.
    """
    copy = run_folder(root).resolve() / f"generation-{next(_numbers)}" / folder.name
    try:
        take_snapshot(folder, copy)
    except OSError as error:
        shutil.rmtree(copy.parent, ignore_errors=True)
        raise CommandError(
            f"functions/{folder.name} cannot be copied to {copy.parent}: {error.strerror}: free some disk space there"
        ) from error
    return copy
