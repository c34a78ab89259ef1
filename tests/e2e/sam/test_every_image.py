"""Every model, every event: its image answers as the model does in this process, whoever runs it. So does a worker's.

The images are those that the CDK app's template names; their versions come from an emulated S3.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from conftest import SIGNED_IN
from e2e.engine.engine import Engine
from e2e.engine.images import build
from e2e.sam.cli import Sam
from e2e.sam.place import worker_place
from e2e.sam.strict import StrictContainer
from e2e.sam.table import note
from e2e.sam.template import ENDPOINT, Template
from modelet.bundle import ENTRY_POINT, Bundle
from modelet.dev.project.project import Function, Project
from modelet.digest import digest
from support.callers import answered, essence, over_http
from support.events import http_event
from support.repository import ROOT
from support.samples import EVERY_EVENT, FOLDERS, sample
from support.worker_events import FOLDER, MODEL, STEPS, WorkerPlace, worker_event

Answer = Callable[[str, Path], dict[str, Any]]


def confined(function: Function) -> dict[str, str]:
    """The variables of a function in a strict container, as its configuration in AWS sets them."""
    bundle = Bundle.read(function.bundle_path, function.folder)
    return {
        **SIGNED_IN,
        **function.spec.environment,
        "MODELET_BUNDLE_SHA256": digest(function.bundle_path.read_bytes()),
        "MODELET_LOCK": f"{bundle.lock.version}@{bundle.lock.manifest_sha256}",
    }


@pytest.fixture(scope="module")
def strict(engine: Engine, project: Project, store: dict[str, str]) -> Iterator[Callable[[str], StrictContainer]]:
    """A strict container of each model, started when it is first asked for."""
    running: dict[str, StrictContainer] = {}
    with ExitStack() as stack:

        def container(folder: str) -> StrictContainer:
            if folder not in running:
                function = project.function(folder)
                tag, resources = build(engine, function).tag, function.spec.resources
                variables = {**store, **confined(function)}
                running[folder] = StrictContainer.start(engine, tag, ENTRY_POINT, resources, variables)
                stack.callback(running[folder].stop)
            return running[folder]

        yield container


START_API = "sam local start-api"
CASES = [
    (folder, event, name)
    for folder, event in EVERY_EVENT
    for name in ("sam local invoke", START_API, "docker run, strict")
    # sam's HTTP API reads every body as UTF-8, where AWS's encodes it: files do not reach a function through it.
    if name != START_API or not json.loads(event.read_text()).get("isBase64Encoded")
]


@pytest.fixture
def rung(request: pytest.FixtureRequest) -> tuple[str, Answer]:
    """A rung, by its name, and how it is asked."""
    name: str = request.param
    if name == "sam local invoke":
        sam: Sam = request.getfixturevalue("sam")
        template: Template = request.getfixturevalue("template")
        return name, lambda folder, event: sam.invoke(template.functions[folder], event)
    if name == START_API:
        url: str = request.getfixturevalue("api")
        return name, lambda _, event: over_http(url, json.loads(event.read_text()))
    container: Callable[[str], StrictContainer] = request.getfixturevalue("strict")
    return name, lambda folder, event: container(folder).invoke(event.read_bytes())


@pytest.mark.parametrize(
    ("folder", "event", "rung"), CASES, ids=lambda value: getattr(value, "stem", value), indirect=["rung"]
)
def test_an_image_answers_as_the_model_does_in_process(
    folder: str, event: Path, rung: tuple[str, Answer], project: Project, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    name, ask = rung
    note(request.config, folder, event.stem, name, "failed")
    expected = answered(project, folder, json.loads(event.read_text()), tmp_path)
    started = time.monotonic()
    answer = ask(folder, event)
    took = (time.monotonic() - started) * 1000
    assert "errorType" not in answer, answer
    assert essence(answer) == expected
    note(request.config, folder, event.stem, name, f"{expected['status']} in {took:,.0f} ms")


def test_an_image_whose_version_is_not_in_the_store_answers_nothing(sam: Sam, template: Template) -> None:
    folder = FOLDERS[-1]
    event = ROOT / "events" / folder / "infer.json"
    answer = sam.invoke(template.functions[folder], event, MODELET_STORE="s3://artifacts/elsewhere")
    assert answer["errorType"] == "ArtifactError"
    assert "statusCode" not in answer


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_strict_container_can_write_nothing_but_tmp_and_has_no_shared_memory(
    folder: str, strict: Callable[[str], StrictContainer], engine: Engine
) -> None:
    container = strict(folder)
    script = "mkdir /dev/shm/x; touch /var/task/x; touch /x; touch /tmp/x && id -u && ls /tmp"
    done = engine.run("exec", container.id, "sh", "-c", script)
    assert done.stdout.split()[0] == "993"
    assert len([line for line in done.stderr.splitlines() if "Read-only" in line or "No such file" in line]) == 3


@pytest.fixture(params=["sam local invoke", "docker run, strict"])
def worker(
    request: pytest.FixtureRequest, engine: Engine, project: Project, store: dict[str, str]
) -> Iterator[tuple[str, WorkerPlace, Callable[[str], Any]]]:
    """A rung of the worker by its name, a place of its own, and how it is given an event."""
    name: str = request.param
    place = worker_place(store[ENDPOINT], name.partition(" ")[0])
    if name == "sam local invoke":
        sam: Sam = request.getfixturevalue("sam")
        template: Template = request.getfixturevalue("template")
        folder = FOLDER / "worker"
        yield name, place, lambda step: sam.invoke(template.workers[MODEL], folder / f"{step}.json", **place.variables)
        return
    function = project.function(MODEL)
    resources = function.spec.own_worker
    assert resources is not None
    tag, variables = build(engine, function, "worker").tag, {**store, **confined(function), **place.variables}
    container = StrictContainer.start(engine, tag, ENTRY_POINT, resources, variables)
    yield name, place, lambda step: container.invoke(json.dumps(worker_event(step)).encode())
    container.stop()


def test_a_worker_s_image_does_a_batch_and_a_job_as_the_model_answers_in_process(
    worker: tuple[str, WorkerPlace, Callable[[str], Any]],
    project: Project,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    name, place, ask = worker
    for step in STEPS:
        note(request.config, MODEL, f"worker/{step}", name, "failed")
        started = time.monotonic()
        answer = ask(step)
        took = (time.monotonic() - started) * 1000
        assert "errorType" not in answer, answer
        place.check(step, answer)
        note(request.config, MODEL, f"worker/{step}", name, f"done in {took:,.0f} ms")
    keys, instances = patients()
    many = http_event("POST", f"/models/{MODEL}/infer", {"instances": instances})
    expected = answered(project, MODEL, many, tmp_path)["body"]["predictions"]
    outcome = place.outcome()
    assert outcome["predictions"] == pytest.approx(dict(zip(keys, expected, strict=True)))
    assert outcome["job"] == answered(project, MODEL, sample(MODEL), tmp_path)["body"]


def patients() -> tuple[list[str], list[dict[str, float]]]:
    """The keys and the instances of the batch's input."""
    with (FOLDER / "patients.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    keys = [row.pop("id") for row in rows]
    whole = {"age", "sex", "total_cholesterol", "glucose"}
    return keys, [{name: int(text) if name in whole else float(text) for name, text in row.items()} for row in rows]
