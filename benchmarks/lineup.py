"""The subjects of the benchmarks: the same model in each variant of Modelet, in the floor, and in common tools."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.environment import Sample, Subject, measure
from benchmarks.s3 import BUCKET, SIGNED_IN, emulated
from benchmarks.tls import behind_tls
from modelet.bundle import BUNDLE_FILE, ENTRY_POINT
from modelet.dev.local.runtime.variables import LAYER
from modelet.digest import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PROJECT = HERE / "project"
FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
LATENCY_S = 0.04
"""The latency of S3 for a small file, measured in Lambda (facts of this project)."""
MODELET = Path(sys.executable).parent / "modelet"
QUIET = {"ORT_DISABLE_TELEMETRY": "1"}
"""For the subjects that do not set it themselves, because it would only make them slower."""

FLOOR = "floor: numpy + onnxruntime"
BAKED, S3, SLOW_S3 = "modelet, baked", "modelet, S3", "modelet, S3 + 40 ms"
TLS, SLOW_TLS = "modelet, S3 over TLS", "modelet, S3 over TLS + 40 ms"
PYDANTIC, PYDANTIC_BAKED = "modelet, S3, pydantic", "modelet, baked, pydantic"
SKLEARN = "modelet, S3, scikit-learn"
POWERTOOLS, NAIVE = "Powertools + boto3 + onnxruntime", "FastAPI + Mangum + boto3 + scikit-learn"

Entry = tuple[Subject, bytes]
"""A subject and the event that it gets."""


def event(model: str) -> bytes:
    """Return an HTTP API's event that requests one prediction from a model."""
    found = json.loads((HERE.parent / "events/sentiment/infer.json").read_text())
    path = f"/models/{model}/infer"
    found |= {"rawPath": path, "body": json.dumps({"instances": [FLOWER]})}
    found["requestContext"]["http"]["path"] = path
    return json.dumps(found).encode()


@contextmanager
def lineup(project: Path = PROJECT) -> Iterator[dict[str, Entry]]:
    """Yield every subject by name, the floor first, with the models published to a folder and to an emulated S3.

    project: a copy of it is trained, published, pinned and bundled.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        root = prepare(project, Path(folder) / "project")
        plain, slow = stack.enter_context(emulated(LATENCY_S))
        push(root, plain)
        tls, slow_tls = (stack.enter_context(behind_tls(plain, latency)) for latency in (0, LATENCY_S))
        yield {subject.name: (subject, asked) for subject, asked in entries(root, plain, slow, tls, slow_tls)}


def prepare(project: Path, root: Path) -> Path:
    """Train, publish, pin and bundle the benchmark's models in a new project, and return its folder."""
    shutil.copytree(project, root, ignore=shutil.ignore_patterns("__pycache__", "bundle.json"))
    command(root, "pin", "--publish")
    command(root, "bundle")
    return root


def push(root: Path, endpoint: str) -> None:
    """Copy the published versions to the emulated S3."""
    signed_in = {**SIGNED_IN, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint}
    command(root, "push", "--to", f"s3://{BUCKET}/models", **signed_in)


def command(root: Path, *words: str, **variables: str) -> None:
    """Run `modelet …` in a project, without this process's environment. Raises RuntimeError with its output."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(LAYER), **variables}
    done = subprocess.run([MODELET, *words], cwd=root, check=False, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"modelet {' '.join(words)}: {done.stderr[-2000:]}")


def entries(root: Path, plain: str, slow: str, tls: dict[str, str], slow_tls: dict[str, str]) -> list[Entry]:
    """Return the subjects of a prepared project. plain, slow: the endpoints of S3 without and with latency."""
    functions, habits = root / "functions", HERE / "subjects"
    code = {"PYTHONPATH": str(LAYER)}
    baked = {**code, "MODELET_STORE": (root / ".modelet/store").as_uri()}
    bucket = {**code, **SIGNED_IN, "MODELET_STORE": f"s3://{BUCKET}/models"}
    near, far = {**bucket, "AWS_ENDPOINT_URL": plain}, {**bucket, "AWS_ENDPOINT_URL": slow}
    graph = {"GRAPH": str(root / ".modelet/store/iris/1/model.onnx"), "FEATURES": json.dumps(list(FLOWER))}
    keys = {**SIGNED_IN, **QUIET, "AWS_ENDPOINT_URL": plain, "BUCKET": BUCKET}
    onnx, joblib = "models/iris/1/model.onnx", "models/iris-joblib/1/model.joblib"
    iris = event("iris")
    compiled = {BAKED: baked, S3: near, SLOW_S3: far, TLS: {**bucket, **tls}, SLOW_TLS: {**bucket, **slow_tls}}
    return [
        (Subject(FLOOR, habits, "floor.handler", {**graph, **QUIET}), iris),
        *(ours(name, functions / "iris", given) for name, given in compiled.items()),
        ours(PYDANTIC, functions / "iris_pydantic", near),
        ours(PYDANTIC_BAKED, functions / "iris_pydantic", baked),
        ours(SKLEARN, functions / "iris_joblib", near),
        (Subject(POWERTOOLS, habits, "powertools.handler", {**keys, "KEY": onnx}), iris),
        (Subject(NAIVE, habits, "naive.handler", {**keys, "KEY": joblib}), iris),
    ]


def ours(name: str, folder: Path, environment: dict[str, str]) -> Entry:
    """Return a function of Modelet."""
    trusted = {"MODELET_BUNDLE_SHA256": digest((folder / BUNDLE_FILE).read_bytes())}
    return Subject(name, folder, ENTRY_POINT, {**environment, **trusted}), event(folder.name.replace("_", "-"))


def sampled(entry: Entry, *, warm: int = 0) -> Sample:
    """Measure one fresh process. Raises RuntimeError if its first response is not the prediction."""
    subject, asked = entry
    sample = measure(subject, asked, warm=warm)
    body = json.loads(json.loads(sample.answers[0])["body"])
    predictions = body.get("predictions", []) if isinstance(body, dict) else body
    if [each["label"] for each in predictions] != ["setosa"]:
        raise RuntimeError(f"{subject.name} answers {sample.answers[0][:300]!r}")
    return sample
