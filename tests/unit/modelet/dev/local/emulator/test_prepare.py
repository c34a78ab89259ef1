"""The functions of batches and jobs: what the worker and the platform function are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelet.dev.local.emulator.emulation import Emulated
from modelet.dev.local.emulator.prepare import prepare_again, prepare_emulated, with_features
from modelet.dev.local.prepare import generation
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.publish.push import push
from modelet.errors import CommandError
from modelet.store.store import Store
from support.projects import Tiny, make_tiny

SPEC = """
resources: {memory_mb: 256, timeout_s: 3}
scaling: {provisioned: 1}
environment: {GREETING: hello}
batch: {}
jobs: {max_concurrency: 4, attempts: 2}
worker: {memory_mb: 1024, timeout_s: 600, max_concurrency: 8}
"""


def with_platform(tiny: Tiny) -> Tiny:
    folder = tiny.project.root / "functions" / "batches"
    folder.mkdir()
    (folder / "app.py").write_text("def handler(event, context): return {}\n")
    return tiny


@pytest.fixture
def prepared() -> Any:
    """A function that prepares a project; the ports that it reserved are given back."""
    made: list[Emulated] = []

    def prepare(tiny: Tiny, local: LocalFunction | None = None) -> Emulated | None:
        own = local or generation(tiny.function, tiny.store)
        emulated = prepare_emulated(tiny.project, [tiny.function], [own], tiny.store)
        made.extend([emulated] if emulated else [])
        return emulated

    yield prepare
    for emulated in made:
        emulated.emulator.give_up()


Prepare = Callable[..., Emulated | None]


def test_a_worker_has_its_model_s_bundle_and_its_own_limits(tmp_path: Path, prepared: Prepare) -> None:
    tiny = with_platform(make_tiny(tmp_path, spec=SPEC))
    local = generation(tiny.function, tiny.store)
    emulated = prepared(tiny, local)
    assert emulated is not None
    (worker,) = emulated.workers
    function = worker.function
    assert (worker.model, worker.batch, worker.jobs, worker.jobs_at_once, worker.attempts) == ("tiny", True, True, 4, 2)
    assert (function.name, function.handler, function.memory_mb) == ("tiny-worker", local.handler, 1024)
    assert (function.timeout_s, function.max_concurrency, function.provisioned) == (600, 8, 0)
    aws = emulated.emulator.variables
    assert function.environment == {
        **local.environment,
        **aws,
        "MODELET_CONTROL_TABLE": "local-control",
        "MODELET_BATCHES": "s3://local-batches",
        "MODELET_PREDICTION_TABLE": "local-tiny-predictions",
        "MODELET_IMPORT_PREFIX": "local-tiny-",
        "MODELET_DUPLICATES": "refuse",
        "MODELET_JOB_ATTEMPTS": "2",
        "MODELET_JOB_QUEUE": f"{aws['AWS_ENDPOINT_URL']}/000000000000/local-tiny-jobs",
    }
    local.discard()
    assert (function.folder / "app.py").is_file()


READS = "features: {from: customers, key: customer, columns: [b]}\n"


def test_a_model_with_features_reads_them_from_the_emulator_for_which_its_requests_wait(
    tmp_path: Path, prepared: Prepare
) -> None:
    tiny = with_platform(make_tiny(tmp_path, spec=f"{READS}jobs: {{}}\n"))
    local = generation(tiny.function, tiny.store)
    emulated = prepared(tiny, local)
    assert emulated is not None
    assert emulated.readers == ("tiny",)
    told = with_features(emulated, tiny.function, local, tiny.store, tiny.project)
    aws = emulated.emulator.variables
    assert told.environment == {**local.environment, **aws, "MODELET_FEATURES_TABLE": "local-control"}
    assert emulated.workers[0].function.environment["MODELET_FEATURES_TABLE"] == "local-control"
    assert with_features(None, tiny.function, local, tiny.store, tiny.project) is local


def test_a_model_that_only_reads_features_needs_no_worker(tmp_path: Path, prepared: Prepare) -> None:
    tiny = with_platform(make_tiny(tmp_path, spec=READS))
    emulated = prepared(tiny)
    assert emulated is not None
    assert (emulated.workers, emulated.readers) == ((), ("tiny",))


def test_a_model_without_features_is_left_alone(tmp_path: Path, prepared: Prepare) -> None:
    tiny = with_platform(make_tiny(tmp_path, spec=SPEC))
    local = generation(tiny.function, tiny.store)
    emulated = prepared(tiny, local)
    assert emulated is not None
    assert emulated.readers == ()
    assert with_features(emulated, tiny.function, local, tiny.store, tiny.project) is local


def test_the_platform_function_is_told_which_models_have_workers(tmp_path: Path, prepared: Prepare) -> None:
    emulated = prepared(with_platform(make_tiny(tmp_path, spec="batch: {tolerated: 0.5}\n")))
    assert emulated is not None
    environment = emulated.batches.environment
    workers = json.loads(environment["MODELET_WORKERS"])
    assert workers.keys() == {"tiny"}
    assert workers["tiny"].keys() == {"batch", "worker"}
    assert workers["tiny"]["worker"] == {"max_concurrency": 50}, "a reload may change the version"
    assert workers["tiny"]["batch"]["tolerated"] == 0.5
    assert environment["MODELET_PREFIX"] == "local"
    assert environment["MODELET_STATE_MACHINE"] == "arn:aws:states:us-east-1:000000000000:stateMachine:local-batches"
    assert not {"MODELET_JOB_ATTEMPTS", "MODELET_JOB_QUEUE"} & emulated.workers[0].function.environment.keys()


@pytest.mark.parametrize("takes_files", [True, False])
def test_a_batch_names_files_of_this_machine_only_where_that_is_allowed_also_after_a_reload(
    tmp_path: Path, takes_files: bool
) -> None:
    tiny = with_platform(make_tiny(tmp_path, spec="batch: {}\n"))
    own = generation(tiny.function, tiny.store)
    emulated = prepare_emulated(tiny.project, [tiny.function], [own], tiny.store, takes_files=takes_files)
    assert emulated is not None
    emulated.emulator.give_up()
    again = prepare_again(
        emulated, "batches", tiny.project, tiny.store, find=tiny.project.function, rebuild=lambda _: own
    )
    assert again is not None
    for function in (emulated.batches, again):
        assert function.environment["MODELET_FILES"] == ("1" if takes_files else "")


def test_without_workers_or_without_the_platform_function_there_is_nothing_to_emulate(
    tmp_path: Path, prepared: Prepare
) -> None:
    assert prepared(with_platform(make_tiny(tmp_path / "one"))) is None
    assert prepared(make_tiny(tmp_path / "two", spec=SPEC)) is None


def test_a_model_with_features_is_refused_without_the_platform_function(tmp_path: Path, prepared: Prepare) -> None:
    features = "features: {from: customers, key: id, columns: [{age: a}], missing: refuse}\n"
    with pytest.raises(CommandError, match=r"tiny has features: the project has no functions/batches: copy"):
        prepared(make_tiny(tmp_path, spec=features))


def test_a_model_with_the_name_of_a_worker_is_refused(tmp_path: Path) -> None:
    tiny = with_platform(make_tiny(tmp_path, spec=SPEC))
    local = generation(tiny.function, tiny.store)
    other = LocalFunction("tiny-worker", tmp_path, "app.handler")
    with pytest.raises(CommandError, match="the model tiny-worker has the name of tiny's worker: rename it"):
        prepare_emulated(tiny.project, [tiny.function], [local, other], tiny.store)


def test_a_reload_prepares_the_worker_with_the_new_code_and_the_same_emulator(
    tmp_path: Path, prepared: Prepare
) -> None:
    tiny = with_platform(make_tiny(tmp_path, spec=SPEC))
    emulated = prepared(tiny)
    assert emulated is not None
    (tiny.function.folder / "model.yaml").write_text("backend: onnx\nbatch: {}\nworker: {memory_mb: 512}\n")

    def again(name: str) -> LocalFunction | None:
        assert emulated is not None
        return prepare_again(
            emulated,
            name,
            tiny.project,
            tiny.store,
            find=tiny.project.function,
            rebuild=lambda name: generation(tiny.project.function(name), tiny.store),
        )

    worker, batches = again("tiny-worker"), again("batches")
    assert worker is not None
    assert batches is not None
    assert (worker.name, worker.memory_mb) == ("tiny-worker", 512)
    endpoint = emulated.emulator.endpoint
    assert worker.environment["AWS_ENDPOINT_URL"] == batches.environment["AWS_ENDPOINT_URL"] == endpoint
    assert json.loads(batches.environment["MODELET_WORKERS"])["tiny"].keys() == {"batch", "worker"}
    assert again("tiny") is None


def test_a_version_from_s3_is_copied_for_the_worker_whose_s3_is_the_emulator_s(
    s3_url: str, tmp_path: Path, prepared: Prepare
) -> None:
    tiny = with_platform(make_tiny(tmp_path, spec=SPEC))
    remote = Store(s3_url)
    push(tiny.store, remote, "tiny", "1")
    emulated = prepared(Tiny(tiny.project, remote, tiny.lock))
    assert emulated is not None
    url = emulated.workers[0].function.environment["MODELET_STORE"]
    assert url == (tmp_path / ".modelet" / "emulator" / "store").as_uri()
    assert {"tiny/1/model.json", "tiny/1/model.onnx"} <= set(Store(url).paths("tiny/1"))
