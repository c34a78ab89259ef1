"""Versions that are a function's code: `version: code` in model.yaml, for rules and other models without a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.bundle import Lock
from modelet.dev.bundle.code import code_version
from modelet.dev.publish.claim import adopt
from modelet.dev.publish.draft import UNWRITTEN
from modelet.dev.publish.facts import runtime
from modelet.dev.publish.write import finish
from modelet.digest import digest
from modelet.errors import PublishError
from modelet.store.manifest import Manifest

if TYPE_CHECKING:
    from modelet.dev.progress import Progress
    from modelet.dev.project.project import Function
    from modelet.dev.publish.draft import Made
    from modelet.dev.publish.source.rows import Rows
    from modelet.dev.publish.source.trained import Trained
    from modelet.store.store import Store


def code_lock(function: Function, store: Store) -> Lock:
    """Return the lock of the code's version, and write its manifest to the store if it is not there.

    The manifest is the same on every machine with the same Python minor. Raises VersionExistsError if the store has
    another manifest under this name, and StoreError.
    """
    version = code_version(function)
    manifest = Manifest(
        name=function.name,
        model_lib="python",
        model_lib_version=runtime()["python"],
        model_data="",
        features=(),
        class_name="",
        metric="",
        performance={},
        feature_importance={},
        model_info={"task": "code", "backend": function.spec.backend},
        files=(),
        runtime=runtime(),
        **UNWRITTEN | {"version": version},
    ).to_json()
    adopt(store, function.name, version, manifest)
    finish(store, function.name, version, manifest)
    return Lock(version, digest(manifest))


def made(function: Function, _trained: Trained, _rows: Rows, _progress: Progress) -> Made:
    """Raise PublishError: this backend has no file for an estimator."""
    raise PublishError(
        f"functions/{function.folder.name}/model.yaml has backend: python, which serves no estimator: name the backend "
        "that opens it, or write version: code if there is nothing to publish"
    )


def refuse_publish(function: Function, **given: Any) -> None:
    """Raise PublishError if a publish names a trained model or a version for a function whose version is its code."""
    if named := next((name for name, value in given.items() if value), None):
        raise PublishError(
            f"functions/{function.folder.name}/model.yaml has version: code, so there is nothing to publish with "
            f"{named}: leave it out, or name a version there"
        )
