"""Prepare the functions of batches and jobs: a worker for each model that has some, and the platform function."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelet.dev.local.emulator import names
from modelet.dev.local.emulator.emulation import Emulated
from modelet.dev.local.emulator.emulator import Emulator
from modelet.dev.local.emulator.worker import Worker
from modelet.dev.local.prepare import snapshot_of
from modelet.dev.local.runtime.function import LocalFunction
from modelet.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from modelet.dev.project.project import Function, Project
    from modelet.store.store import Store

BATCHES = "batches"
"""The platform function of the shared routes, and its folder."""
TIMEOUT_S = 30
"""The platform function's timeout in seconds: the gateway waits as long."""
WORKER = "-worker"
NO_BATCHES = f"the project has no functions/{BATCHES}: copy that folder from Modelet's repository"
FILES = "MODELET_FILES"
"""The variable that allows a batch to name files of this machine."""


def prepare_emulated(
    project: Project,
    functions: Iterable[Function],
    local: Iterable[LocalFunction],
    store: Store,
    *,
    takes_files: bool = False,
) -> Emulated | None:
    """Return the functions of batches and jobs, with a port for the emulator, which is not started.

    local: the models' own functions, prepared to be served. takes_files: whether a batch may read and write files of
    this machine, which is safe only if no other machine can reach the gateway. Returns None if no model has batches,
    jobs or features, or if the project has no functions/batches. Raises CommandError if a model has the name of another
    one's worker, or has features in a project without functions/batches, and the errors of `push` for a store in S3.
    """
    served = {function.name: function for function in local}
    every = list(functions)
    chosen = [function for function in every if function.spec.own_worker is not None]
    readers = tuple(function.name for function in every if function.spec.features is not None)
    if not (chosen or readers):
        return None
    if not has_batches(project):
        if readers:
            raise CommandError(f"{readers[0]} has features: {NO_BATCHES}")
        return None
    for function in chosen:
        if function.name + WORKER in served:
            raise CommandError(f"the model {function.name}{WORKER} has the name of {function.name}'s worker: rename it")
    emulator = Emulator(project.root)
    workers = tuple(
        prepare_worker(function, served[function.name], store, emulator.variables, project) for function in chosen
    )
    batches = batches_function(project, chosen, emulator.variables, takes_files=takes_files)
    return Emulated(emulator, batches, workers, readers)


def has_batches(project: Project) -> bool:
    """Return whether a project has the platform function of batches, jobs and features."""
    return (project.root / "functions" / BATCHES / "app.py").is_file()


def with_features(
    emulated: Emulated | None, function: Function, local: LocalFunction, store: Store, project: Project
) -> LocalFunction:
    """Return a model's own function with the variables by which it reads features; as it is if it reads none.

    Its AWS is the emulator, as a worker's. Raises the errors of `push` for a store in S3.
    """
    if emulated is None or function.spec.features is None:
        return local
    copied = _copied_store(function, local, store, project)
    aws = emulated.emulator.variables
    return replace(local, environment={**local.environment, **copied, **aws, **_features(function)})


def prepare_again(
    emulated: Emulated,
    name: str,
    project: Project,
    store: Store,
    *,
    find: Callable[[str], Function],
    rebuild: Callable[[str], LocalFunction],
) -> LocalFunction | None:
    """Prepare one of these functions again, for a reload; None if the name is none of theirs.

    find: returns a model by its name. rebuild: prepares a model's own function. Raises their errors.
    """
    aws = emulated.emulator.variables
    if name == emulated.batches.name:
        models = [find(worker.model) for worker in emulated.workers]
        return batches_function(project, models, aws, takes_files=emulated.batches.environment[FILES] == "1")
    model = next((worker.model for worker in emulated.workers if worker.function.name == name), None)
    if model is None:
        return None
    local = rebuild(model)
    try:
        return prepare_worker(find(model), local, store, aws, project).function
    finally:
        local.discard()


def prepare_worker(
    function: Function, local: LocalFunction, store: Store, aws: Mapping[str, str], project: Project
) -> Worker:
    """Return the worker of a model: its bundle and its code, in a snapshot of its own, with the worker's limits.

    local: the model's own function. aws: the variables by which it reaches the emulator. A version from a store in S3
    is first copied to this machine, because the worker's S3 is the emulator's.
    """
    spec, own = function.spec, function.spec.own_worker
    if own is None:
        raise CommandError(f"{function.name} has no worker: add `batch: {{}}` or `jobs: {{}}` to its model.yaml")
    copied = _copied_store(function, local, store, project)
    made = replace(
        local,
        name=function.name + WORKER,
        folder=snapshot_of(local.folder, project.root),
        sources=function.folder,
        memory_mb=own.memory_mb,
        timeout_s=own.timeout_s,
        max_concurrency=own.max_concurrency,
        provisioned=0,
        snapstart=False,
        environment={**local.environment, **copied, **_shared(aws), **_own(function, aws)},
    )
    jobs = spec.jobs
    return Worker(
        function.name,
        made,
        batch=spec.batch is not None,
        jobs=jobs is not None,
        jobs_at_once=jobs.max_concurrency if jobs else 2,
        attempts=jobs.attempts if jobs else 1,
    )


def _copied_store(function: Function, local: LocalFunction, store: Store, project: Project) -> dict[str, str]:
    return {"MODELET_STORE": _copied(function.name, local.version, store, project)} if _is_remote(store) else {}


def _features(function: Function) -> dict[str, str]:
    return {} if function.spec.features is None else {"MODELET_FEATURES_TABLE": names.CONTROL_TABLE}


def _own(function: Function, aws: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that only this model's worker has."""
    own = _features(function)
    if function.spec.batch is not None:
        own["MODELET_PREDICTION_TABLE"] = names.prediction_table(function.name)
        own["MODELET_IMPORT_PREFIX"] = names.import_prefix(function.name)
        own["MODELET_DUPLICATES"] = function.spec.batch.duplicates
    if function.spec.jobs is not None:
        own["MODELET_JOB_ATTEMPTS"] = str(function.spec.jobs.attempts)
        own["MODELET_JOB_QUEUE"] = names.queue_url(aws["AWS_ENDPOINT_URL"], function.name)
    return own


def batches_function(
    project: Project, functions: Iterable[Function], aws: Mapping[str, str], *, takes_files: bool
) -> LocalFunction:
    """Return the platform function, in a snapshot of its folder. functions: those with workers."""
    folder = project.root / "functions" / BATCHES
    workers = {function.name: _sections(function) for function in functions}
    return LocalFunction(
        BATCHES,
        snapshot_of(folder, project.root),
        "app.handler",
        timeout_s=TIMEOUT_S,
        environment={
            **_shared(aws),
            "MODELET_PREFIX": names.PREFIX,
            "MODELET_STATE_MACHINE": names.STATE_MACHINE,
            "MODELET_WORKERS": json.dumps(workers),
            "MODELET_ALIAS": "",  # there are no versions here
            FILES: "1" if takes_files else "",
        },
        sources=folder,
    )


def _shared(aws: Mapping[str, str]) -> dict[str, str]:
    return {
        **aws,
        "MODELET_CONTROL_TABLE": names.CONTROL_TABLE,
        "MODELET_BATCHES": f"s3://{names.BATCHES}",
    }


def _sections(function: Function) -> dict[str, Any]:
    """Return the sections of a model.yaml as the platform function reads them.

    The model's version is not among them: a reload may change it, and a batch's plan records it.
    """
    spec, own = function.spec, function.spec.own_worker
    sections = {"batch": spec.batch, "jobs": spec.jobs}
    given = {name: section.model_dump(mode="json") for name, section in sections.items() if section is not None}
    return {**given, "worker": {"max_concurrency": own.max_concurrency}} if own else given


def _is_remote(store: Store) -> bool:
    return store.url.startswith("s3://")


def _copied(name: str, version: str, store: Store, project: Project) -> str:
    """Copy a version to this machine, and return the URL of its store."""
    from modelet.dev.publish.push import push
    from modelet.store.store import Store as LocalStore

    target = LocalStore((project.root.resolve() / ".modelet" / "emulator" / "store").as_uri())
    push(store, target, name, version)
    return target.url
