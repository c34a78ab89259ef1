"""Versions written by hand, for tests of what reads them."""

from __future__ import annotations

import io
import platform
from collections.abc import Mapping
from typing import Any

import joblib
import numpy as np
import sklearn
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression, LogisticRegression

from modelet.bundle import Lock
from modelet.digest import digest
from modelet.store.manifest import ArtifactFile, Manifest
from modelet.store.store import Store

RUNTIME = {
    "python": platform.python_version().rpartition(".")[0],
    "scikit-learn": sklearn.__version__,
    "numpy": np.__version__,
}
INPUTS = np.array([[0, 1], [1, 0], [3, 1], [4, 2]], dtype=np.float32)
TARGETS = np.array([0.0, 1.0, 3.0, 4.0])
LABELS = np.array(["low", "low", "high", "high"])


def write_version(
    store: Store, files: Mapping[str, bytes], name: str = "tiny", version: str = "1", **said: Any
) -> Lock:
    """Write a version as publish would, and give its lock; `said` replaces parts of the manifest."""
    known: dict[str, Any] = {
        "model_lib": "scikit-learn",
        "model_lib_version": sklearn.__version__,
        "model_data": next(iter(files)),
        "features": ("a", "b"),
        "class_name": "LogisticRegression",
        "metric": "accuracy",
        "performance": {"accuracy": 1.0},
        "feature_importance": {},
        "model_info": {"task": "classification", "labels": ["high", "low"]},
        "files": tuple(ArtifactFile(path, len(data), digest(data)) for path, data in files.items()),
        "runtime": RUNTIME,
        "created_at": "2026-11-20T00:00:00Z",
    }
    manifest = Manifest(name=name, version=version, **{**known, **said}).to_json()
    for path, data in files.items():
        store.write_once(f"{name}/{version}/{path}", data)
    store.write_once(f"{name}/{version}/model.json", manifest)
    return Lock(version, digest(manifest))


def classifier() -> LogisticRegression:
    return LogisticRegression().fit(INPUTS, LABELS)


def regressor() -> LinearRegression:
    return LinearRegression().fit(INPUTS, TARGETS)


def onnx_bytes(estimator: Any) -> bytes:
    options = {"zipmap": False} if hasattr(estimator, "classes_") else {}
    graph: bytes = to_onnx(estimator, INPUTS[:1], options=options or None, target_opset=18).SerializeToString()
    return graph


def joblib_bytes(value: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()
