"""The version of a function's code: with `version: code` in model.yaml it changes with all that decides the answers."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING

from modelet.bundle import BUNDLE_FILE, LOCK_FILE
from modelet.dev.bundle.bake import BAKED
from modelet.digest import digest

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
ELSEWHERE = {
    "version", "artifact", "resources", "scaling", "environment", "secrets", "vpc", "tags", "batch", "jobs", "worker",
    "stages",
}  # fmt: skip
"""The keys of model.yaml that say where and how the function runs, not what it answers."""


def code_version(function: Function) -> str:
    """Return the name of the version that the function's code is now.

    It covers the files of the folder, the Python minor, and those keys of model.yaml that decide the answers.
    """
    said = function.spec.model_dump(mode="json", exclude=ELSEWHERE)
    parts = [".".join(platform.python_version_tuple()[:2]), json.dumps(said, sort_keys=True)]
    for path in _files(function.folder):
        parts += [path.relative_to(function.folder).as_posix(), digest(path.read_bytes())]
    return PREFIX + digest(json.dumps(parts).encode())[:DIGITS]


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files that the answers may depend on, in order."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        is_hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if path.is_file() and not is_hidden and parts[0] not in LEFT_OUT:
            yield path
