"""The requests of the warm benchmark, their models, and the handlers under test."""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import joblib

from benchmarks.environment import Subject
from modelet.bundle import BUNDLE_FILE, ENTRY_POINT
from modelet.dev.local.runtime.variables import LAYER
from modelet.digest import digest

HERE = Path(__file__).parent
MODELET = Path(sys.executable).parent / "modelet"
BARE, ATTENTIVE = "bare onnxruntime", "bare, with a line and an alarm"


class Kind(NamedTuple):
    """A kind of request: its model, its route, its number of rows, and the number of requests in a block."""

    name: str
    model: str
    path: str
    rows: int
    block: int
    as_matrix: bool = False


KINDS = (
    Kind("1 row of 4", "iris", "/models/iris/infer", 1, 200),
    Kind("1,000 named rows of 30", "wide", "/models/wide/infer", 1_000, 5),
    Kind("1,000 rows of 30 as one OIP array", "wide", "/v2/models/wide/infer", 1_000, 5, as_matrix=True),
    Kind("1 text", "text", "/models/text/infer", 1, 200),
)


class Published(NamedTuple):
    """A model of the benchmark: its folder, its graph, its estimator as joblib, its features and some instances."""

    folder: Path
    graph: Path
    pickled: Path
    features: list[str]
    instances: list[dict[str, Any]]


def prepare(root: Path) -> dict[str, Published]:
    """Train, publish, pin and bundle the models in a new project, and keep their estimators next to it."""
    shutil.copytree(HERE / "warm_project", root)
    shutil.copytree(HERE / "project/functions/iris", root / "functions/iris")
    for words in (["pin", "--publish"], ["bundle"]):
        subprocess.run([MODELET, *words], cwd=root, check=True, capture_output=True)
    return {model: _published(root, model) for model in dict.fromkeys(kind.model for kind in KINDS)}


def _published(root: Path, model: str) -> Published:
    version, folder = root / ".modelet/store" / model / "1", root / "functions" / model
    manifest = json.loads((version / "model.json").read_text())
    trained = runpy.run_path(str(folder / "train.py"))["train"]()
    pickled = root / f"{model}.joblib"
    joblib.dump(trained.estimator, pickled)
    features = manifest["features"]
    cells = [[each] if isinstance(each, str) else each.tolist() for each in trained.examples[:1_000]]
    instances = [dict(zip(features, row, strict=True)) for row in cells]
    return Published(folder, version / manifest["model_data"], pickled, features, instances)


def event(kind: Kind, published: Published) -> bytes:
    """Return an HTTP API's event with a request of this kind."""
    some = published.instances
    instances = [some[place % len(some)] for place in range(kind.rows)]
    body: dict[str, Any] = {"instances": instances}
    if kind.as_matrix:
        data = [value for each in instances for value in each.values()]
        tensor = {"name": "input", "shape": [kind.rows, len(published.features)], "datatype": "FP64", "data": data}
        body = {"inputs": [tensor]}
    found = json.loads((HERE.parent / "events/sentiment/infer.json").read_text())
    found |= {"rawPath": kind.path, "body": json.dumps(body)}
    found["requestContext"]["http"]["path"] = kind.path
    return json.dumps(found).encode()


def subjects(root: Path, published: Published) -> list[Subject]:
    """Return the bare handler, ours, the bare one with log and alarm, and FastAPI + Mangum with either library."""
    ours = {
        "MODELET_STORE": (root / ".modelet/store").as_uri(),
        "MODELET_BUNDLE_SHA256": digest((published.folder / BUNDLE_FILE).read_bytes()),
        "PYTHONPATH": str(LAYER),
    }
    others = {"FEATURES": json.dumps(published.features), "ORT_DISABLE_TELEMETRY": "1"}
    graph, pickled = others | {"MODEL": str(published.graph)}, others | {"MODEL": str(published.pickled)}
    habits = HERE / "warm_subjects"
    return [
        Subject(BARE, habits, "bare.handler", graph),
        Subject("modelet", published.folder, ENTRY_POINT, ours),
        Subject(ATTENTIVE, habits, "attentive.handler", graph),
        Subject("FastAPI + Mangum + onnxruntime", habits, "fastapi_mangum.handler", graph),
        Subject("FastAPI + Mangum + scikit-learn", habits, "fastapi_mangum.handler", pickled),
    ]
