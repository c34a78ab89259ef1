"""What a published graph would gain by being published again, now that publishing makes more of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from modelet.store.keys import artifact_path

if TYPE_CHECKING:
    from modelet.store.manifest import Manifest
    from modelet.store.store import Store

GIVEN = "ModelProto"
"""The class of a graph that was given as it is, and that publishing leaves so."""

LARGEST = 512 * 1024 * 1024
"""Bytes of a graph that is looked at: above this it takes a minute, and memory that a laptop may not have."""

OPENINGS = 3
"""How often each graph is opened; the quickest counts."""


def gain_ms(store: Store, manifest: Manifest) -> float:
    """CPU time that opening the version's graph would take less; 0 where publishing leaves it as it is.

    Opened by the class that serves it, in this process. A version that is no graph gains nothing.
    """
    from modelet.dev.publish.onnx.optimize import optimized

    file = manifest.file(manifest.model_data)
    if not file.path.endswith(".onnx") or file.bytes > LARGEST or manifest.class_name == GIVEN:
        return 0.0
    data = store.read(artifact_path(manifest.name, manifest.version, file.path))
    try:
        better = optimized(data)
    except Exception:  # noqa: BLE001 - onnxruntime's errors have no root; what publishing cannot take stays as it is
        return 0.0
    return max(0.0, _opening_ms(data) - _opening_ms(better)) if better != data else 0.0


def _opening_ms(data: bytes) -> float:
    from modelet.dev.publish.onnx.graph import Graph

    found = []
    for _ in range(OPENINGS):
        began = time.process_time()
        Graph(data)
        found.append((time.process_time() - began) * 1000)
    return min(found)
