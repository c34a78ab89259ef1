"""Features by key: what a function and its worker may read, what they are told, and what synth refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.constructs.storage.batch_storage import BATCH_ID
from infra.discovery import discover
from infra.stage import STAGES
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.project import Project
from modelet.errors import ModeletError
from modelet.store.store import Store

from .conftest import Copy, Synthesized, rebundle, synthesize

FEATURES = "features: {from: diabetes, key: patient, columns: [{prediction: charge}]}\n"
DEV = STAGES["dev"]


def project(copy_project: Copy, store: Store, yaml: str, source: str = "backend: sklearn\nbatch: {}\n") -> Path:
    """A project whose model churn reads features."""
    root = copy_project()
    (root / "functions" / "diabetes" / "model.yaml").write_text(source)
    churn = root / "functions" / "churn" / "model.yaml"
    churn.write_text(f"{churn.read_text()}\n{yaml}")
    rebundle(root, store, "dev")
    return root


@pytest.fixture(scope="module")
def found(copy_project: Copy, store: Store) -> Synthesized:
    return synthesize(project(copy_project, store, f"{FEATURES}jobs: {{}}\nid: order\n"), DEV)


def test_a_function_and_its_worker_may_read_that_set_and_nothing_else(found: Synthesized) -> None:
    online = [each for each in found.statements() if each.path.startswith("churn/Execution")]
    worker = [each for each in found.statements() if each.path.startswith("churn-worker/Rights/Execution")]
    for statements in (online, worker):
        reads = [
            each
            for each in statements
            if "dynamodb:BatchGetItem" in each.actions and "LeadingKeys" not in each.conditions
        ]
        [rows] = reads
        assert set(rows.actions) == {"dynamodb:BatchGetItem", "dynamodb:GetItem"}
        own, imported = rows.resources
        assert "predictionsdiabetes" in own
        assert imported.endswith(f":table/modelet-dev-diabetes-{BATCH_ID}")
        pointers = [each for each in statements if "model#diabetes" in each.conditions]
        [pointer] = pointers
        assert pointer.actions == ("dynamodb:GetItem",)
        assert ["batchcontroltable" in resource for resource in pointer.resources] == [True]
        assert json.loads(pointer.conditions) == {
            "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["model#diabetes"]}
        }
    actions = {action for each in online for action in each.actions if action.startswith("dynamodb:")}
    assert actions == {"dynamodb:BatchGetItem", "dynamodb:GetItem"}


def test_both_are_told_the_control_table_and_only_the_worker_is_a_worker(found: Synthesized) -> None:
    for path in ("churn/", "churn-worker/"):
        functions = found.resources("AWS::Lambda::Function", path)
        [variables] = [
            each["Properties"]["Environment"]["Variables"] for each in functions
            if "MODELET_LOCK" in each["Properties"].get("Environment", {}).get("Variables", {})
        ]  # fmt: skip
        assert "batchcontroltable" in json.dumps(variables["MODELET_FEATURES_TABLE"])
        assert ("MODELET_CONTROL_TABLE" in variables) == (path == "churn-worker/")


def test_other_models_have_neither(found: Synthesized, dev: Synthesized) -> None:
    assert [
        each for each in found.statements() if each.path.startswith("ner/") and "dynamodb:" in str(each.actions)
    ] == []
    assert "MODELET_FEATURES_TABLE" not in json.dumps(dev.models)
    assert found.findings() == []


def refusal(root: Path) -> str:
    with pytest.raises(ModeletError) as refused:
        discover(root, DEV)
    return str(refused.value)


def test_a_source_that_does_not_exist_is_refused(copy_project: Copy, store: Store) -> None:
    root = project(copy_project, store, FEATURES.replace("diabetes", "nobody"))
    assert "churn/model.yaml: features.from: nobody is not a model of this project: use one of" in refusal(root)


def test_a_source_without_batches_is_refused_by_bundle_and_by_synth(copy_project: Copy, store: Store) -> None:
    root = project(copy_project, store, FEATURES)
    source = root / "functions" / "diabetes"
    source.joinpath("model.yaml").write_text("backend: sklearn\n")
    with pytest.raises(ModeletError, match="the predictions of diabetes do not fit: it has no `batch:`"):
        rebundle(root, store, "dev")
    function = Project(root).function("diabetes")
    lock = function.lock()
    assert lock is not None
    write_bundle(function.at_stage("dev"), store, lock)
    assert "diabetes has no batches, which write predictions: add `batch: {}` to functions/diabetes" in refusal(root)


def test_predictions_that_do_not_fit_are_refused_even_if_the_source_was_bundled_later(
    copy_project: Copy, store: Store
) -> None:
    root = project(copy_project, store, FEATURES)
    path = root / "functions" / "diabetes" / "bundle.json"
    bundle = json.loads(path.read_text())
    openapi = json.loads(bundle["openapi"])
    openapi["components"]["schemas"]["Prediction"] = {"type": "string"}
    path.write_text(json.dumps({**bundle, "openapi": json.dumps(openapi)}))
    assert "prediction is of type string, but the field charge takes integer, null, number" in refusal(root)
