"""Small versions for the registry's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelet.digest import digest
from modelet.store.keys import artifact_path, claim_path, manifest_path
from modelet.store.manifest import ArtifactFile, Manifest

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.store.store import Store


@pytest.fixture
def publish(store: Store) -> Callable[[str, str], Manifest]:
    """Writes a version as publish does: claim, files, manifest last."""

    def write(model: str, version: str) -> Manifest:
        graph = f"graph of {model} {version}".encode()
        manifest = Manifest(
            name=model,
            version=version,
            model_lib="scikit-learn",
            model_lib_version="1.9.1",
            model_data="model.onnx",
            features=("text",),
            class_name="Pipeline",
            metric="",
            performance={},
            feature_importance={},
            model_info={"task": "other"},
            files=(ArtifactFile("model.onnx", len(graph), digest(graph)),),
            runtime={"python": "3.11"},
            created_at="2026-11-20T09:30:00Z",
        )
        store.write_once(claim_path(model, version), b"{}")
        store.write_once(artifact_path(model, version, "model.onnx"), graph)
        store.write_once(manifest_path(model, version), manifest.to_json())
        return manifest

    return write
