"""The folder of a model's files, for predictors that open them by path."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelet.store.artifacts import Artifacts


def model_dir(artifacts: Artifacts, target: Any) -> str:
    """Return a folder with all files of the version; for a version without files, the folder of the predictor's module.

    target: the predictor's class or module. Raises the errors of `Artifacts.path`.
    """
    files = artifacts.manifest.files
    if not files:
        module = sys.modules[getattr(target, "__module__", None) or target.__name__]
        return os.path.dirname(os.path.abspath(module.__file__ or ""))  # noqa: PTH100, PTH120 - pathlib is 3 ms of a cold start
    paths = [(file.path, os.fspath(artifacts.path(file.path))) for file in files]
    return paths[0][1].removesuffix(paths[0][0]).rstrip("/")
