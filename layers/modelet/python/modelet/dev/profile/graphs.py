"""Measure whether a published graph would open faster if today's publish wrote it again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from modelet.store.keys import artifact_path

if TYPE_CHECKING:
    from modelet.store.manifest import Manifest
    from modelet.store.store import Store

GIVEN = "ModelProto"
"""The class of a graph that was published as given (--from), which publish does not optimise."""

LARGEST = 512 * 1024 * 1024
"""The largest graph in bytes that is measured: a larger one takes a minute, and more memory than a laptop may have."""

OPENINGS = 5
"""The number of times that each graph is opened, in turn, so that a busy machine slows both; the fastest counts."""


def gain_ms(store: Store, manifest: Manifest) -> float:
    """Return the CPU time that opening the version's graphs would save, or 0 if publish would not change them.

    A graph is opened in this process, by the class that serves it. The result is 0 for a version without a graph.
    """
    return sum(_gain_ms(store, each) for each in (manifest.models or {"": manifest}).values() if each.model_data)


def _gain_ms(store: Store, manifest: Manifest) -> float:
    from modelet.dev.publish.onnx.optimize import optimized

    file = manifest.file(manifest.model_data)
    if not file.path.endswith(".onnx") or file.bytes > LARGEST or manifest.class_name == GIVEN:
        return 0.0
    data = store.read(artifact_path(manifest.name, manifest.version, file.path))
    try:
        better = optimized(data)
    except Exception:  # noqa: BLE001 - onnxruntime's errors have no common base; publish cannot improve such a graph
        return 0.0
    if better == data:
        return 0.0
    rounds = [(_opening_ms(data), _opening_ms(better)) for _ in range(OPENINGS)]
    return max(0.0, min(now for now, _ in rounds) - min(then for _, then in rounds))


def _opening_ms(data: bytes) -> float:
    from modelet.dev.publish.onnx.graph import Graph

    began = time.process_time()
    Graph(data)
    return (time.process_time() - began) * 1000
