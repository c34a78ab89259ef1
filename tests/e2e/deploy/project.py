"""A copy of the project to deploy: whoever runs the tests keeps their own versions, locks and bundles."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.project import Project
from modelet.publishing import pin, publish
from modelet.store.store import Store
from support.repository import ROOT

STAGE = "dev"
LEFT_BEHIND = ("__pycache__", "bundle.json", "model.lock", "tests", "docs", "benchmarks", "cdk.out")
HIDDEN_BUT_NEEDED = {".dockerignore", ".modelet"}
SHARED = (".venv", ".tools")
MORE = 100.0
ANOTHER = f"""

_first = train


def train():
    trained = _first()
    trained.estimator[-1].intercept_ += {MORE}
    return trained
"""
"""Makes a linear model's answers `MORE` higher, so that an answer shows which version gave it."""
BATCHED = "diabetes"
"""The model whose batches and jobs are tried."""
INPUTS, RESULTS = "s3://patients/new/*", "s3://patients/scores/*"
"""What its workers may read and write."""
REQUEST = {"inputs": [INPUTS.replace("*", "*.csv")], "key": "id"}
SCHEDULED = {"inputs": [INPUTS], "results": [RESULTS], "schedule": "cron(0 3 1 1 ? *)", "input": REQUEST}
READER = "churn"
"""The model that reads the predictions of that one."""
FEATURES = f"""
features: {{from: {BATCHED}, key: patient, columns: [{{prediction: charge}}]}}
id: order
"""
WARM = "sentiment"
"""The model that is kept warm later."""
PATIENT = "\nresources: {timeout_s: 29}\n"
"""The most that the gateway waits: on a busy machine a cold start may take longer than the samples' ten seconds."""
PROVISIONED = "\nscaling: {provisioned: 1, provisioned_max: 2}\nbatch: {}\n"


def copy_project(root: Path) -> Project:
    """Copy what `make deploy` reads, without locks: it publishes, pins and bundles by itself.

    In the copy, the batches of one model have places in S3 and a schedule, and all models have more time.
    """
    hidden = [path.name for path in ROOT.iterdir() if path.name.startswith(".") and path.name not in HIDDEN_BUT_NEEDED]
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_BEHIND, *hidden))
    for name in SHARED:
        (root / name).symlink_to(ROOT / name)
    project = Project(root)
    for function in project.functions():
        spec = function.folder / "model.yaml"
        spec.write_text(spec.read_text() + PATIENT)
    spec = project.function(BATCHED).folder / "model.yaml"
    plain = spec.read_text()
    assert "\nbatch: {}\n" in plain
    spec.write_text(plain.replace("\nbatch: {}\n", f"\nbatch: {json.dumps(SCHEDULED)}\n"))
    return project


def publish_another(project: Project, folder: str) -> str:
    """Train a version of a linear model that answers otherwise, and lock it; gives the version."""
    train = project.root / "functions" / folder / "train.py"
    if ANOTHER not in train.read_text():
        train.write_text(train.read_text() + ANOTHER)
    store = Store(project.store_url(None))
    publish(project.function(folder), store)
    pinned = pin(project.function(folder), store, "latest")
    bundle(project, folder)
    return pinned.version


def keep_warm(project: Project, folder: str) -> None:
    """Let a model ask for provisioned concurrency, and for a prediction table."""
    spec = project.function(folder).folder / "model.yaml"
    spec.write_text(spec.read_text() + PROVISIONED)
    bundle(project, folder)


def read_features(project: Project) -> None:
    """Let a model read one of its fields from the predictions of another, also in the event that its release sends."""
    spec = project.function(READER).folder / "model.yaml"
    spec.write_text(spec.read_text() + FEATURES)
    path = project.root / "events" / READER / "infer.json"
    event = json.loads(path.read_text())
    row = {**json.loads(event["body"]), "patient": "patient-1", "order": "o-1"}
    del row["charge"]
    path.write_text(json.dumps({**event, "body": json.dumps(row)}))
    bundle(project, READER)


def need_more_memory(project: Project, folder: str) -> None:
    """Change a model's spec, which makes a new Lambda version of the same model version."""
    spec = project.function(folder).folder / "model.yaml"
    spec.write_text(spec.read_text().replace(PATIENT, PATIENT.replace("}", ", memory_mb: 640}")))
    bundle(project, folder)


def remove_model(project: Project, folder: str, to: Path) -> None:
    """Take a model out of the project."""
    for kind in ("functions", "events"):
        (to / kind).mkdir(parents=True)
        shutil.move(project.root / kind / folder, to / kind / folder)


def bundle(project: Project, folder: str) -> None:
    """Write a model's bundle for the stage."""
    function = project.function(folder)
    lock = function.lock()
    assert lock is not None
    write_bundle(function.at_stage(STAGE), Store(project.store_url(None)), lock)
