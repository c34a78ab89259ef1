"""The layer of platform functions, built once for a whole test run."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from infra.layer import BUILT, build


def project_with_layer(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder with nothing but .modelet/layer in it, which no test may change."""
    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "layer"
    with FileLock(f"{root}.lock"):
        if not (root / BUILT).exists():
            root.mkdir(exist_ok=True)
            build(root)
    return root
