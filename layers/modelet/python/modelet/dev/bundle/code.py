"""The version of a function's code: with `version: code` in model.yaml it changes with all that decides the answers."""

from __future__ import annotations

import json
import platform
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from modelet.bundle import BUNDLE_FILE, LOCK_FILE
from modelet.dev.bundle.bake import BAKED
from modelet.digest import digest
from modelet.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelet.dev.project.project import Function

PREFIX = "code-"
DIGITS = 12
"""Hexadecimal digits of the code's SHA-256 in the version's name."""
LEFT_OUT = frozenset({
    BUNDLE_FILE, LOCK_FILE, BAKED, "Dockerfile", "model.yaml", "train.py", "training", "requirements-train.txt",
})  # fmt: skip
"""Files that are generated, that are for the publisher's machine, or that do not decide the answers."""
NOTEBOOK = "*.ipynb"
NOT_IN_IMAGE = ("*.csv", "*.parquet", "model")
"""What .dockerignore keeps out of images because it is training data elsewhere; here it would be missed."""
ELSEWHERE = {
    "version", "artifact", "resources", "scaling", "environment", "secrets", "vpc", "tags", "batch", "jobs", "worker",
    "stages",
}  # fmt: skip
"""The keys of model.yaml that say where and how the function runs, not what it answers."""


def code_version(function: Function) -> str:
    """Return the name of the version that the function's code is now.

    It covers the files of the folder, the Python minor, and those keys of model.yaml that decide the answers.
    Raises CommandError if the folder has files that an image would not have.
    """
    said = function.spec.model_dump(mode="json", exclude=ELSEWHERE)
    parts = [".".join(platform.python_version_tuple()[:2]), json.dumps(said, sort_keys=True)]
    for path in _files(function.folder):
        _check(path, function)
        parts += [path.relative_to(function.folder).as_posix(), digest(path.read_bytes())]
    return PREFIX + digest(json.dumps(parts).encode())[:DIGITS]


def _check(path: Path, function: Function) -> None:
    """Raise CommandError if an image would not have a file, or if its bytes are elsewhere."""
    shown = f"functions/{function.folder.name}/{path.relative_to(function.folder).as_posix()}"
    first = path.relative_to(function.folder).parts[0]
    if path.is_symlink():
        raise CommandError(f"{shown} is a symbolic link, which leads elsewhere in an image: replace it by a copy")
    if any(fnmatch(first, pattern) for pattern in NOT_IN_IMAGE):
        raise CommandError(
            f"{shown} is left out of images (.dockerignore), but with version: code the answers may "
            "depend on it: move it into a folder such as tables/, or remove it"
        )


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files that the answers may depend on, in order."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        is_hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        is_left_out = parts[0] in LEFT_OUT or fnmatch(parts[0], NOTEBOOK)
        if (path.is_file() or path.is_symlink()) and not is_hidden and not is_left_out:
            yield path
