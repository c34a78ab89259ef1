"""What tests of the whole share: the project's own models, trained and published once for a test run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from modelet.dev.compile.bundle import write_bundle
from modelet.dev.project import Project
from modelet.dev.publish import pin, publish
from modelet.store import Store
from rungs import ROOT


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """A copy of the project whose models are published into its own store, pinned and bundled."""
    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "published"
    with FileLock(f"{root}.lock"):
        if not (root / "done").exists():
            _publish_all(root)
            (root / "done").touch()
    return Project(root)


def _publish_all(root: Path) -> None:
    generated = shutil.ignore_patterns("bundle.json", "model.lock", "__pycache__")
    for folder in ("functions", "events"):
        shutil.copytree(ROOT / folder, root / folder, ignore=generated)
    project = Project(root)
    store = Store(project.store_url(None))
    for function in project.functions():
        publish(function, store)
        write_bundle(function, store, pin(function, store))
