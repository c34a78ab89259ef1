"""Discovery of models; a model that cannot be deployed is one line with the file, the key and the remedy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from infra.discovery import discover, reject_past_schedules
from infra.errors import SynthError
from infra.stage import STAGES, Stage, StageVpc
from modelet.bundle import Bundle
from modelet.dev.bundle.bake import bake
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.project import Project
from modelet.errors import ModeletError
from modelet.store.manifest import Column
from modelet.store.store import Store
from support.projects import make_tiny
from support.versions import classifier, onnx_bytes, write_version

STAGE = STAGES["dev"]
EVENT = json.dumps({"body": '{"a": 1, "b": 2}'})


def deployable(root: Path, spec: str = "", stage: str = "dev") -> Path:
    """A project with one model, pinned, bundled for a stage and with its event."""
    tiny = make_tiny(root, spec=spec)
    tiny.function.lock_path.write_bytes(tiny.lock.to_json("tiny"))
    write_bundle(tiny.function.at_stage(stage), tiny.store, tiny.lock)
    (root / "functions" / "tiny" / "requirements.txt").write_text("modelet[onnx]\n")
    event = root / "events" / "tiny" / "infer.json"
    event.parent.mkdir(parents=True)
    event.write_text(EVENT)
    return root


def rejection(root: Path, stage: Stage = STAGE) -> str:
    with pytest.raises(ModeletError) as rejected:
        discover(root, stage)
    message = str(rejected.value)
    assert "\n" not in message
    assert str(root) not in message
    return message


def copied(root: Path, folder: str) -> None:
    """A second model, like the first."""
    shutil.copytree(root / "functions" / "tiny", root / "functions" / folder)
    shutil.copytree(root / "events" / "tiny", root / "events" / folder)
    bundle = root / "functions" / folder / "bundle.json"
    bundle.write_text(json.dumps({**json.loads(bundle.read_text()), "name": folder.replace("_", "-")}))


def test_a_folder_with_a_model_yaml_is_a_deployable_model(tmp_path: Path) -> None:
    [model] = discover(deployable(tmp_path), STAGE)
    assert model.name == "tiny"
    assert model.folder == tmp_path / "functions" / "tiny"
    assert model.event == tmp_path / "events" / "tiny" / "infer.json"
    assert model.dockerfile == "functions/Dockerfile"
    assert model.bundle.lock.version == "1"
    assert model.spec.resources.memory_mb == 512


def test_a_platform_function_is_not_a_model(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    (root / "functions" / "models_index").mkdir()
    (root / "functions" / "models_index" / "app.py").touch()
    assert [model.name for model in discover(root, STAGE)] == ["tiny"]


def test_models_are_deployed_in_the_order_of_their_names(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    for folder in ("zeta", "alpha_beta"):
        copied(root, folder)
    assert [model.name for model in discover(root, STAGE)] == ["alpha-beta", "tiny", "zeta"]


def test_a_folder_may_bring_its_own_dockerfile(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    (root / "functions" / "tiny" / "Dockerfile").write_text("FROM python:3.11 AS online\n")
    assert discover(root, STAGE)[0].dockerfile == "functions/tiny/Dockerfile"


def test_a_stage_s_section_in_model_yaml_overrides_the_spec(tmp_path: Path) -> None:
    spec = "stages: {prod: {resources: {memory_mb: 2048}}}"
    [model] = discover(deployable(tmp_path, spec, "prod"), STAGES["prod"])
    assert model.spec.resources.memory_mb == 2048


def test_a_schedule_whose_last_year_is_over_is_rejected_when_it_is_deployed(tmp_path: Path) -> None:
    schedules = "[{cron: '0 8 * * ? *', provisioned: 2}, {cron: '0 8 * * ? 2030-2031', provisioned: 2}]"
    deployable(tmp_path, f"scaling: {{provisioned: 1, schedules: {schedules}}}")
    [function] = Project(tmp_path).functions()
    reject_past_schedules(function, 2031)
    wrong = r"tiny/model.yaml: scaling.schedules.1.cron: the last year of '0 8 \* \* \? 2030-2031' was 2031: use \*"
    with pytest.raises(SynthError, match=wrong):
        reject_past_schedules(function, 2032)


def test_a_schedule_of_batches_whose_last_year_is_over_is_rejected_too(tmp_path: Path) -> None:
    given = "{schedule: 'cron(0 3 * * ? 2030)', inputs: ['s3://rows/*'], input: {inputs: ['s3://rows/a'], key: id}}"
    deployable(tmp_path, f"batch: {given}")
    [function] = Project(tmp_path).functions()
    reject_past_schedules(function, 2030)
    with pytest.raises(SynthError, match=r"tiny/model.yaml: batch.schedule: the last year of '0 3 \* \* \? 2030' was"):
        reject_past_schedules(function, 2031)


def test_a_model_named_like_another_s_worker_is_rejected(tmp_path: Path) -> None:
    root = deployable(tmp_path, "jobs: {}")
    copied(root, "tiny_worker")
    assert rejection(root) == (
        "functions/tiny_worker: its function would be named modelet-dev-tiny-worker, like the worker of "
        "functions/tiny: rename the folder"
    )


def test_a_model_named_like_the_platform_function_of_batches_is_rejected(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    copied(root, "batches")
    assert "would be named modelet-dev-batches, like the platform's batches: rename the folder" in rejection(root)


def test_the_name_of_the_worker_counts_where_it_is_the_longest(tmp_path: Path) -> None:
    name = "t" * (64 - len("modelet-dev--worker") + 1)
    for spec in ("", "jobs: {}"):
        root = deployable(tmp_path / f"project{len(spec)}", spec)
        for part in ("functions", "events"):
            (root / part / "tiny").rename(root / part / name)
        bundle = root / "functions" / name / "bundle.json"
        bundle.write_text(json.dumps({**json.loads(bundle.read_text()), "name": name}))
        if spec:
            assert f"the function name modelet-dev-{name}-worker has 65 characters" in rejection(root)
        else:
            assert [each.name for each in discover(root, STAGE)] == [name]


def test_a_bundle_for_another_stage_is_rejected(tmp_path: Path) -> None:
    root = deployable(tmp_path, "stages: {prod: {resources: {memory_mb: 2048}}}")
    assert rejection(root, STAGES["prod"]) == (
        "functions/tiny/bundle.json: was made for another model or stage, not for prod: "
        "run `modelet bundle tiny --stage prod`"
    )


def test_a_project_without_models_is_rejected_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "functions").mkdir()
    assert rejection(tmp_path) == "functions/: no folder has a model.yaml: create one with `modelet new NAME`"


def test_an_invalid_model_yaml_is_rejected_with_the_key(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    (root / "functions" / "tiny" / "model.yaml").write_text("resources: {memory: 512}")
    assert rejection(root) == ("functions/tiny/model.yaml: resources: unknown key 'memory': did you mean memory_mb?")


def test_an_impossible_memory_is_rejected(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    (root / "functions" / "tiny" / "model.yaml").write_text("resources: {memory_mb: 20000}")
    assert rejection(root).startswith(
        "functions/tiny/model.yaml: resources.memory_mb: 20000 is above 10,240: give 10,240"
    )


def test_snapstart_with_provisioned_concurrency_is_rejected(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    (root / "functions" / "tiny" / "model.yaml").write_text("scaling: {snapstart: true, provisioned: 1}")
    assert rejection(root).startswith(
        "functions/tiny/model.yaml: scaling.snapstart: Lambda does not allow it together with prov"
    )


def test_a_timeout_above_that_of_the_api_is_rejected(tmp_path: Path) -> None:
    assert rejection(deployable(tmp_path, "resources: {timeout_s: 30}")) == (
        "functions/tiny/model.yaml: resources.timeout_s: 30 is above 29 seconds, API Gateway's timeout: use 29 or less"
    )


def test_the_longest_timeout_of_the_api_is_taken(tmp_path: Path) -> None:
    assert discover(deployable(tmp_path, "resources: {timeout_s: 29}"), STAGE)[0].spec.resources.timeout_s == 29


def test_a_vpc_in_a_stage_without_a_network_is_rejected(tmp_path: Path) -> None:
    root = deployable(tmp_path, "vpc: true")
    assert rejection(root) == (
        "functions/tiny/model.yaml: vpc: the stage dev has no network: set its `vpc` in infra/stage.py"
    )
    vpc = StageVpc(id="vpc-0", subnet_ids=("s",), availability_zones=("a",), security_group_ids=("g",))
    assert discover(root, replace(STAGE, vpc=vpc))[0].spec.vpc


def test_a_missing_lock_is_rejected_with_the_remedy(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    (root / "functions" / "tiny" / "model.lock").unlink()
    assert rejection(root) == (
        "functions/tiny/model.lock: is missing: run `modelet pin tiny`, and then `modelet bundle tiny --stage dev`"
    )


def test_a_damaged_lock_is_rejected(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    (root / "functions" / "tiny" / "model.lock").write_text("{")
    assert rejection(root) == "functions/tiny/model.lock is not a valid lock: delete it and run `modelet pin`"


def damage(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "bundle.json").write_text(text)


def change_lock(folder: Path) -> None:
    lock = json.loads((folder / "model.lock").read_text())
    (folder / "model.lock").write_text(json.dumps({**lock, "version": "2"}))


def change_code(folder: Path) -> None:
    (folder / "app.py").write_text((folder / "app.py").read_text() + "\n")


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda folder: (folder / "bundle.json").unlink(), "is missing"),
        (damage("{"), "is damaged"),
        (damage("{}"), "has another format"),
        (change_lock, "is stale, model.lock pins another version"),
        (change_code, "is stale, app.py has changed"),
    ],
)
def test_a_missing_damaged_or_stale_bundle_is_rejected(
    tmp_path: Path, harm: Callable[[Path], object], reason: str
) -> None:
    root = deployable(tmp_path)
    harm(root / "functions" / "tiny")
    assert rejection(root) == f"functions/tiny/bundle.json: {reason}: run `modelet bundle tiny --stage dev`"


def test_a_bundle_of_another_model_is_rejected(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    shutil.copytree(root / "functions" / "tiny", root / "functions" / "other")
    shutil.copytree(root / "events" / "tiny", root / "events" / "other")
    assert rejection(root) == (
        "functions/other/bundle.json: was made for another model or stage, not for dev: "
        "run `modelet bundle other --stage dev`"
    )


def baked(root: Path) -> Path:
    """A project whose model is baked."""
    [function] = Project(deployable(root, "artifact: baked")).functions()
    bake(function.folder, Bundle.read(function.bundle_path, function.folder), Store(Project(root).store_url(None)))
    return root


def test_a_baked_version_is_accepted(tmp_path: Path) -> None:
    [model] = discover(baked(tmp_path), STAGE)
    assert model.spec.artifact == "baked"


@pytest.mark.parametrize(
    "harm",
    [
        shutil.rmtree,
        lambda place: (place / "tiny" / "1" / "model.onnx").unlink(),
        lambda place: (place / "tiny" / "1" / "model.onnx").write_bytes(b"altered"),
        lambda place: (place / "tiny" / "1" / "model.json").write_text("{}"),
        lambda place: shutil.copytree(place / "tiny" / "1", place / "tiny" / "2"),
    ],
    ids=["nothing", "a file less", "an altered file", "another manifest", "another version"],
)
def test_a_baked_folder_without_exactly_the_locked_version_is_rejected(
    tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    root = baked(tmp_path)
    harm(root / "functions" / "tiny" / "baked")
    assert rejection(root) == (
        "functions/tiny/baked: does not contain exactly version 1, which `artifact: baked` puts into the image: "
        "run `modelet bundle tiny --stage dev`"
    )


@pytest.mark.parametrize("text", [None, "{", '{"body": "no JSON"}', "[]", '{"body": null}'])
def test_a_model_without_a_valid_infer_event_is_rejected(tmp_path: Path, text: str | None) -> None:
    root = deployable(tmp_path)
    event = root / "events" / "tiny" / "infer.json"
    event.unlink() if text is None else event.write_text(text)
    assert rejection(root).startswith("events/tiny/infer.json: is ")
    assert rejection(root).endswith(": save an HTTP API event with a JSON body there, as `modelet new` does")


def test_two_folders_with_the_same_model_name_are_rejected(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    for folder in ("alpha_beta", "alpha-beta"):
        copied(root, folder)
    assert rejection(root) == "functions/alpha-beta and functions/alpha_beta both name the model alpha-beta: rename one"


@pytest.mark.parametrize(
    ("folder", "taken"),
    [("tiny_check", "the check of functions/tiny"), ("models-index", "the platform's models_index")],
)
def test_two_functions_with_the_same_name_are_rejected(tmp_path: Path, folder: str, taken: str) -> None:
    root = deployable(tmp_path)
    copied(root, folder)
    name = folder.replace("_", "-")
    assert rejection(root) == (
        f"functions/{folder}: its function would be named modelet-dev-{name}, like {taken}: rename the folder"
    )


def test_a_function_name_above_lambda_s_limit_is_rejected(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    longest = "a" * (64 - len("modelet-dev--check"))
    copied(root, longest)
    assert len(discover(root, STAGE)) == 2
    copied(root, f"{longest}b")
    assert rejection(root) == (
        f"functions/{longest}b: the function name modelet-dev-{longest}b-check has 65 characters, above Lambda's "
        "limit of 64: rename the folder"
    )


def test_a_longer_project_leaves_less_for_a_model_s_name(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    stage = replace(STAGE, project="p" * 16)
    longest = "a" * (64 - len(f"{stage.prefix}--check"))
    copied(root, longest)
    assert len(discover(root, stage)) == 2
    copied(root, f"{longest}b")
    message = rejection(root, stage)
    assert message.endswith(
        f"{longest}b-check has 65 characters, above Lambda's limit of 64: "
        "rename the folder, or shorten `project` in cdk.json"
    )


def test_a_rejection_is_a_synth_error(tmp_path: Path) -> None:
    (tmp_path / "functions").mkdir()
    with pytest.raises(SynthError):
        discover(tmp_path, STAGE)


def test_a_dockerfile_without_the_build_stage_is_rejected(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    (root / "functions" / "tiny" / "Dockerfile").write_text("FROM python:3.11 AS build\n")
    assert rejection(root).startswith(
        "functions/tiny/Dockerfile: has no build stage `online`, which the image is built from"
    )


def test_requirements_that_lack_what_the_version_needs_are_rejected(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    (root / "functions" / "tiny" / "requirements.txt").write_text("modelet\nnumpy==2.4.6\n")
    assert rejection(root) == (
        "functions/tiny/requirements.txt: has no onnxruntime, which version 1 needs: add it there"
    )


def test_the_backend_of_the_pinned_version_is_deployed(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    function = Project(root).function("tiny")
    (function.folder / "app.py").unlink()
    (function.folder / "model.yaml").write_text("backend: auto\n")
    columns = (Column("a", "number"), Column("b", "number"))
    store = Store((root / "store").as_uri())
    lock = write_version(store, {"model.onnx": onnx_bytes(classifier())}, version="2", columns=columns)
    function = Project(root).function("tiny")
    function.lock_path.write_bytes(lock.to_json("tiny"))
    write_bundle(function, store, lock)
    [model] = discover(root, STAGE)
    assert model.bundle.spec["backend"] == "onnx"
    assert model.spec.backend == "auto"


def test_a_model_without_requirements_is_rejected(tmp_path: Path) -> None:
    root = deployable(tmp_path)
    (root / "functions" / "tiny" / "requirements.txt").unlink()
    message = rejection(root)
    assert message.startswith(
        "functions/tiny/requirements.txt: is missing, but the image installs its packages: list `mo"
    )


def test_settings_for_an_unknown_stage_are_rejected(tmp_path: Path) -> None:
    assert rejection(deployable(tmp_path, "stages: {prd: {resources: {memory_mb: 2048}}}")) == (
        "functions/tiny/model.yaml: stages.prd: infra/stage.py has no such stage: use one of dev, prod, or add it there"
    )
