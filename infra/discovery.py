"""Discovery of what to deploy: every folder of functions/ with a model.yaml, validated for its stage."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from infra.errors import SynthError
from infra.stage import PROJECT, STAGES
from modelet.bundle import BUNDLE_FILE, Bundle
from modelet.dev.bundle.bake import BAKED, is_baked
from modelet.dev.bundle.features import misfit_of_bundles
from modelet.dev.bundle.opens import served_spec
from modelet.dev.bundle.requirements import lacking
from modelet.dev.project.cron import read_cron
from modelet.dev.project.project import Project
from modelet.dev.project.worker_sections import CRON
from modelet.errors import BundleError

if TYPE_CHECKING:
    from pathlib import Path

    from infra.stage import Stage
    from modelet.dev.project.project import Function
    from modelet.dev.project.spec import ModelSpec
    from modelet.dev.project.worker_sections import Worker

API_TIMEOUT_S = 29
"""API Gateway's timeout in seconds: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""

ONLINE = re.compile(r"^FROM\s.*\sAS\s+online\s*$", re.IGNORECASE | re.MULTILINE)
"""The build target of a model function in functions/Dockerfile; a folder's own Dockerfile has it too."""

NAME_LENGTH = 64
"""Lambda's limit for the length of a function's name."""

INDEX = "models-index"
"""The platform function that lists the models: the last part of its function name."""


BATCHES = "batches"
"""The platform function for batches, predictions, jobs and uploads: the last part of its function name."""


def worker_name(model: str) -> str:
    """Return the name part of a model's worker, which does batches and jobs."""
    return f"{model}-worker"


def check_name(model: str) -> str:
    """Return the name part of a model's check function, which tests new versions before they get traffic."""
    return f"{model}-check"


@dataclass(frozen=True)
class Deployable:
    """A model function that can be deployed.

    folder: absolute. spec: with the stage's overrides. bundle_sha256: of the bundle.json in the image. event: the event
    that a new version must answer. dockerfile: relative to `root`.
    """

    name: str
    folder: Path
    root: Path
    spec: ModelSpec
    bundle: Bundle
    bundle_sha256: str
    event: Path
    dockerfile: str

    @property
    def yaml(self) -> str:
        """The path of model.yaml, as errors show it."""
        return f"functions/{self.folder.name}/model.yaml"

    @property
    def worker(self) -> Worker | None:
        """The settings of the model's worker; None if it has neither batches nor jobs."""
        return self.spec.own_worker


def discover(root: Path, stage: Stage) -> list[Deployable]:
    """Return every model of the project at a stage, sorted by name.

    Raises SynthError if there is no model or one cannot be deployed, and SpecError and CommandError as Project does.
    """
    functions = Project(root).functions()
    for function in functions:
        _reject_unknown_stages(function, {*STAGES, stage.name})
    models = [_deployable(function.at_stage(stage.name), root, stage) for function in functions]
    if not models:
        raise SynthError("functions/: no folder has a model.yaml: create one with `modelet new NAME`")
    _reject_equal_names(models, stage)
    _reject_unfit_features(models)
    return models


def _deployable(function: Function, root: Path, stage: Stage) -> Deployable:
    path = f"functions/{function.folder.name}"
    _validate(function, stage)
    _reject_missing_requirements(function, path)
    own = function.folder / "Dockerfile"
    if own.is_file() and not ONLINE.search(own.read_text()):
        raise SynthError(
            f"{path}/Dockerfile: has no build stage `online`, which the image is built from: add FROM … AS online"
        )
    event = root / "events" / function.folder.name / "infer.json"
    _reject_missing_event(event, f"events/{function.folder.name}/infer.json")
    bundle, bundle_sha256 = _bundle(function, path, stage)
    _reject_lacking_requirements(function, path, bundle)
    return Deployable(
        name=function.name,
        folder=function.folder,
        root=root,
        spec=function.spec,
        bundle=bundle,
        bundle_sha256=bundle_sha256,
        event=event,
        dockerfile=f"{path}/Dockerfile" if own.is_file() else "functions/Dockerfile",
    )


def _reject_missing_requirements(function: Function, path: str) -> None:
    """Raise SynthError if a folder has no requirements, because no image can be built from it."""
    if not (function.folder / "requirements.txt").is_file():
        raise SynthError(
            f"{path}/requirements.txt: is missing, but the image installs its packages: list "
            f"`modelet[{function.spec.backend}]` and the pinned packages that it needs, as `modelet new` does"
        )


def _reject_lacking_requirements(function: Function, path: str, bundle: Bundle) -> None:
    """Raise SynthError if the image would lack a library that the pinned version needs, or have another version."""
    if lacks := lacking(function.folder / "requirements.txt", bundle):
        raise SynthError(
            f"{path}/requirements.txt: has no {', '.join(lacks)}, which version {bundle.lock.version} needs: "
            f"add {'it' if len(lacks) == 1 else 'them'} there"
        )


def _bundle(function: Function, folder: str, stage: Stage) -> tuple[Bundle, str]:
    """Return the function's bundle for this stage and its lock, and the SHA-256 of its file."""
    remedy = f"run `modelet bundle {function.name} --stage {stage.name}`"
    if function.lock() is None:
        raise SynthError(f"{folder}/model.lock: is missing: run `modelet pin {function.name}`, and then {remedy[4:]}")
    path = function.folder / BUNDLE_FILE
    try:
        bundle = Bundle.read(path, function.folder)
    except BundleError as error:
        reason = str(error).replace(f"{function.folder}/", "").rpartition(": run ")[0].removeprefix(f"{BUNDLE_FILE} ")
        raise SynthError(f"{folder}/{BUNDLE_FILE}: {reason}: {remedy}") from error
    if bundle.name != function.name or bundle.spec != served_spec(function, bundle):
        raise SynthError(f"{folder}/{BUNDLE_FILE}: was made for another model or stage, not for {stage.name}: {remedy}")
    if function.spec.artifact == "baked" and not is_baked(function.folder, bundle):
        raise SynthError(
            f"{folder}/{BAKED}: does not contain exactly version {bundle.lock.version}, which `artifact: baked` puts "
            f"into the image: {remedy}"
        )
    return bundle, hashlib.sha256(path.read_bytes()).hexdigest()


def _reject_missing_event(event: Path, shown: str) -> None:
    """Raise SynthError if the event that a new version must answer is missing or has no JSON body."""
    remedy = "save an HTTP API event with a JSON body there, as `modelet new` does"
    if not event.is_file():
        raise SynthError(f"{shown}: is missing, but a new version must answer it before it gets traffic: {remedy}")
    try:
        json.loads(json.loads(event.read_bytes())["body"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SynthError(f"{shown}: is not an event with a JSON body: {remedy}") from None


def _validate(function: Function, stage: Stage) -> None:
    """Raise SynthError for values that AWS would reject, or a timeout longer than API Gateway waits."""
    yaml = f"functions/{function.folder.name}/model.yaml"
    resources = function.spec.resources
    if resources.timeout_s > API_TIMEOUT_S:
        raise SynthError(
            f"{yaml}: resources.timeout_s: {resources.timeout_s} is above {API_TIMEOUT_S} seconds, API Gateway's "
            f"timeout: use {API_TIMEOUT_S} or less"
        )
    reject_past_schedules(function, datetime.now(UTC).year)
    if function.spec.vpc and stage.vpc is None:
        raise SynthError(f"{yaml}: vpc: the stage {stage.name} has no network: set its `vpc` in infra/stage.py")
    names = [check_name(function.name), *([worker_name(function.name)] if function.spec.own_worker else [])]
    longest = stage.function_name(max(names, key=len))
    if len(longest) > NAME_LENGTH:
        or_project = "" if stage.project == PROJECT else ", or shorten `project` in cdk.json"
        raise SynthError(
            f"functions/{function.folder.name}: the function name {longest} has {len(longest)} characters, above "
            f"Lambda's limit of {NAME_LENGTH}: rename the folder{or_project}"
        )


def reject_past_schedules(function: Function, this_year: int) -> None:
    """Raise SynthError if a schedule's years are over: it would never start anything. On a laptop it does no harm."""
    given = {f"scaling.schedules.{i}.cron": each.cron for i, each in enumerate(function.spec.scaling.schedules)}
    if function.spec.batch and function.spec.batch.schedule and (cron := CRON.fullmatch(function.spec.batch.schedule)):
        given["batch.schedule"] = cron[1]
    for place, cron_text in given.items():
        last = max(read_cron(cron_text).years)
        if last < this_year:
            raise SynthError(
                f"functions/{function.folder.name}/model.yaml: {place}: the last year of {cron_text!r} was {last}: "
                "use * or a later year, or remove the schedule"
            )


def _reject_unknown_stages(function: Function, known: set[str]) -> None:
    """Raise SynthError if model.yaml has settings for an unknown stage: after a typo, prod would run without them."""
    for name in function.spec.stages:
        if name not in known:
            raise SynthError(
                f"functions/{function.folder.name}/model.yaml: stages.{name}: infra/stage.py has no such stage: "
                f"use one of {', '.join(sorted(known))}, or add it there"
            )


def _reject_equal_names(models: list[Deployable], stage: Stage) -> None:
    """Raise SynthError if a model's function has the same name as another's check or worker, or as the platform's."""
    taken = {INDEX: "the platform's models_index", BATCHES: "the platform's batches"}
    taken |= {check_name(model.name): f"the check of functions/{model.folder.name}" for model in models}
    workers = [model for model in models if model.worker]
    taken |= {worker_name(model.name): f"the worker of functions/{model.folder.name}" for model in workers}
    for model in models:
        if model.name in taken:
            raise SynthError(
                f"functions/{model.folder.name}: its function would be named {stage.function_name(model.name)}, like "
                f"{taken[model.name]}: rename the folder"
            )


def _reject_unfit_features(models: list[Deployable]) -> None:
    """Raise SynthError if a model reads features from one that writes no predictions, or not these."""
    by_name = {model.name: model for model in models}
    for model in models:
        features = model.spec.features
        if features is None:
            continue
        source = by_name.get(features.source)
        if source is None:
            reason = f"{features.source} is not a model of this project: use one of {', '.join(by_name)}"
        elif source.spec.batch is None:
            reason = f"{features.source} has no batches, which write predictions: add `batch: {{}}` to {source.yaml}"
        else:
            found = misfit_of_bundles(features, model.bundle, source.bundle)
            if found is None:
                continue
            reason = f"the predictions of {features.source} do not fit: {found}"
        raise SynthError(f"{model.yaml}: features.from: {reason}")
