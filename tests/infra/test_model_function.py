"""A model as a Lambda function: the template has the values of model.yaml and of the stage."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from infra.errors import SynthError
from infra.stage import STAGES
from modelet.bundle import Lock
from modelet.dev.project.project import Project
from modelet.store.store import Store

from .conftest import FULL, SECRET, Copy, Synthesized, rebundle, synthesize

FUNCTION = "AWS::Lambda::Function"


def function(template: Synthesized, model: str) -> dict[str, Any]:
    return template.only(FUNCTION, f"{model}/Function/")


def test_the_samples_have_no_reserved_or_provisioned_concurrency(dev: Synthesized) -> None:
    for model in ("sentiment", "breast-cancer", "diabetes"):
        assert "ReservedConcurrentExecutions" not in function(dev, model)
        assert "ProvisionedConcurrencyConfig" not in dev.only("AWS::Lambda::Alias", f"{model}/")
    assert dev.resources("AWS::ApplicationAutoScaling::ScalableTarget") == []


def test_the_function_has_the_resources_of_model_yaml(full: Synthesized) -> None:
    found = function(full, "sentiment")
    assert (found["MemorySize"], found["Timeout"], found["EphemeralStorage"]) == (1024, 20, {"Size": 2048})
    assert (found["Architectures"], found["PackageType"]) == (["arm64"], "Image")
    assert found["ReservedConcurrentExecutions"] == 40
    assert found["FunctionName"] == "modelet-full-sentiment"
    assert {"Key": "cost", "Value": "reviews"} in found["Tags"]
    assert {"Key": "team", "Value": "search"} in found["Tags"]
    assert found["TracingConfig"] == {"Mode": "Active"}


def test_the_lock_s_digest_is_in_the_function_s_configuration(full: Synthesized, published: Project) -> None:
    variables = function(full, "sentiment")["Environment"]["Variables"]
    lock = published.function("sentiment").lock()
    assert isinstance(lock, Lock)
    assert variables["MODELET_LOCK"] == f"{lock.version}@{lock.manifest_sha256}"
    assert variables["GREETING"] == "hello"
    assert json.loads(variables["MODELET_SECRETS"]) == {"API_KEY": SECRET}
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "Modelet/full"
    assert "MODELET_SECRETS" not in function(full, "diabetes")["Environment"]["Variables"]


def test_a_baked_version_is_read_from_the_image_and_has_a_lock_too(full: Synthesized, published: Project) -> None:
    variables = function(full, "breast-cancer")["Environment"]["Variables"]
    lock = published.function("breast-cancer").lock()
    assert isinstance(lock, Lock)
    assert variables["MODELET_STORE"] == "file:///var/task/baked"
    assert variables["MODELET_LOCK"] == f"{lock.version}@{lock.manifest_sha256}"
    assert "/models" in str(function(full, "sentiment")["Environment"]["Variables"]["MODELET_STORE"])


def test_a_baked_version_s_files_are_only_in_its_own_image_s_context(full: Synthesized, published: Project) -> None:
    assets = full.images()
    contexts = {each["dockerBuildArgs"]["FUNCTION"]: full.outdir / each["directory"] for each in assets}
    lock = published.function("breast-cancer").lock()
    assert isinstance(lock, Lock)
    baked = contexts["breast_cancer"] / "functions" / "breast_cancer" / "baked"
    assert [path.name for path in baked.iterdir()] == ["breast-cancer"]
    store = published.root / ".modelet" / "store" / "breast-cancer" / lock.version
    version = baked / "breast-cancer" / lock.version
    assert {path.name: path.read_bytes() for path in version.iterdir()} == {
        path.name: path.read_bytes() for path in store.iterdir() if path.name != "claim.json"
    }
    assert not list((contexts["sentiment"] / "functions").rglob("baked"))


def test_a_model_that_becomes_baked_gets_a_new_role(dev: Synthesized, own_project: Path, store: Store) -> None:
    yaml = own_project / "functions" / "diabetes" / "model.yaml"
    yaml.write_text(f"{yaml.read_text()}artifact: baked\n")
    rebundle(own_project, store, "dev")
    baked = synthesize(own_project, STAGES["dev"])
    # The version before it reads S3 until the traffic has moved, by the role that it was published with.
    assert function(baked, "diabetes")["Role"] != function(dev, "diabetes")["Role"]
    assert function(baked, "sentiment")["Role"] == function(dev, "sentiment")["Role"]


def test_only_a_model_with_vpc_is_in_the_network(full: Synthesized) -> None:
    assert FULL.vpc is not None
    placed = function(full, "sentiment")["VpcConfig"]
    assert placed["SubnetIds"] == list(FULL.vpc.subnet_ids)
    assert placed["SecurityGroupIds"] == list(FULL.vpc.security_group_ids)
    assert "VpcConfig" not in function(full, "diabetes")
    endpoint = full.only("AWS::EC2::VPCEndpoint")
    assert "AWS::EC2::VPCEndpoint" in {each["Type"] for each in full.api["Resources"].values()}
    assert "modelet-full-api" in full.manifest["modelet-full-model-sentiment"]["dependencies"], (
        "its first init fetches the model, so the way to S3 must be there"
    )
    assert (endpoint["VpcEndpointType"], endpoint["RouteTableIds"]) == ("Gateway", list(FULL.vpc.route_table_ids))


def test_snapstart_is_applied_to_published_versions(full: Synthesized) -> None:
    assert function(full, "diabetes")["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert "SnapStart" not in function(full, "sentiment")


def test_the_log_has_the_stage_s_retention(full: Synthesized, dev: Synthesized) -> None:
    for template, days, stage in ((full, 90, "full"), (dev, 7, "dev")):
        group = template.only("AWS::Logs::LogGroup", "sentiment/Log/")
        assert (group["RetentionInDays"], group["LogGroupName"]) == (days, f"/aws/lambda/modelet-{stage}-sentiment")


def images(template: Synthesized) -> dict[str, Any]:
    return {model: function(template, model)["Code"]["ImageUri"] for model in ("sentiment", "diabetes")}


def version(template: Synthesized, model: str) -> Any:
    return template.only("AWS::Lambda::Alias", f"{model}/")["FunctionVersion"]


def test_a_change_of_one_model_does_not_change_the_others(dev: Synthesized, own_project: Path, store: Store) -> None:
    app = own_project / "functions" / "sentiment" / "app.py"
    app.write_text(app.read_text() + "\n# changed\n")
    rebundle(own_project, store, "dev")
    changed = synthesize(own_project, STAGES["dev"])
    assert images(changed)["sentiment"] != images(dev)["sentiment"]
    assert images(changed)["diabetes"] == images(dev)["diabetes"]
    assert version(changed, "sentiment") != version(dev, "sentiment")
    assert version(changed, "diabetes") == version(dev, "diabetes")
    assert changed.api == dev.api
    assert changed.models["diabetes"] == dev.models["diabetes"]
    ids = {name for name in dev.models["sentiment"]["Resources"] if "CurrentVersion" not in name}
    assert ids == {name for name in changed.models["sentiment"]["Resources"] if "CurrentVersion" not in name}


def test_a_new_model_adds_a_function_and_changes_no_other_stack(dev: Synthesized, own_project: Path) -> None:
    for kind in ("functions", "events"):
        shutil.copytree(own_project / kind / "breast_cancer", own_project / kind / "sugar")
    path = own_project / "functions" / "sugar" / "bundle.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "name": "sugar"}))
    grown = synthesize(own_project, STAGES["dev"])
    assert function(grown, "sugar")["FunctionName"] == "modelet-dev-sugar"
    assert (grown.storage, grown.api) == (dev.storage, dev.api)
    assert {name: grown.models[name] for name in dev.models} == dev.models
    for model in ("sentiment", "breast-cancer", "diabetes"):
        assert function(grown, model) == function(dev, model)


def test_a_folder_s_own_dockerfile_is_used(own_project: Path) -> None:
    own = own_project / "functions" / "sentiment" / "Dockerfile"
    own.write_text("ARG BASE_IMAGE\nFROM ${BASE_IMAGE} AS online\n")
    found = synthesize(own_project, STAGES["dev"])
    assets = found.images()
    files = {each["dockerBuildArgs"]["FUNCTION"]: each["dockerFile"] for each in assets}
    assert files["sentiment"] == "functions/sentiment/Dockerfile"
    assert files["diabetes"] == "functions/Dockerfile"


@pytest.mark.parametrize("model", ["sentiment", "breast_cancer", "diabetes"])
def test_an_image_s_context_has_only_the_files_of_its_model(dev: Synthesized, model: str) -> None:
    sources = [each for each in dev.images() if each["dockerBuildArgs"]["FUNCTION"] == model]
    [source] = [each for each in sources if each["dockerBuildTarget"] == "online"]
    context = dev.outdir / source["directory"]
    assert (context / source["dockerFile"]).is_file()
    bundle = (context / "functions" / model / "bundle.json").read_bytes()
    variables = function(dev, model.replace("_", "-"))["Environment"]["Variables"]
    assert variables["MODELET_BUNDLE_SHA256"] == hashlib.sha256(bundle).hexdigest()
    assert [path.name for path in (context / "functions").iterdir() if path.is_dir()] == [model]
    assert not (context / "layers/modelet/python/modelet/dev").exists()
    assert not list(context.rglob("train.py"))


def test_base_digest_is_passed_to_the_build(copy_project: Copy) -> None:
    digest = f"sha256:{'0123456789abcdef' * 4}"
    for model in synthesize(copy_project(), STAGES["dev"], base_digest=digest).resources("AWS::Lambda::Function"):
        arguments = model["Metadata"].get("aws:asset:docker-build-args")
        assert arguments is None or arguments["BASE_DIGEST"] == digest


def test_an_invalid_base_digest_is_rejected(own_project: Path) -> None:
    with pytest.raises(
        SynthError, match=r"base_digest: 'latest' is not a digest: use sha256: and 64 hexadecimal digits"
    ):
        synthesize(own_project, STAGES["dev"], base_digest="latest")


def test_base_image_and_build_image_are_passed_to_the_build(copy_project: Copy) -> None:
    found = synthesize(copy_project(), STAGES["dev"], base_image="local/base", build_image="local/build")
    assets = found.images()
    for each in assets:
        arguments = each["dockerBuildArgs"]
        assert (arguments["BASE_IMAGE"], arguments["BUILD_IMAGE"]) == ("local/base", "local/build")
