"""Write what the folder of a model without a class still needs to be deployed: requirements, events, a Dockerfile."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, version
from string import Template
from typing import TYPE_CHECKING, Any

from modelet.dev.bundle.requirements import needed_by
from modelet.dev.scaffold.scaffold import TEMPLATES, events

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from modelet.dev.project.project import Function
    from modelet.store.manifest import Manifest

DOCKERFILE, REQUIREMENTS = "Dockerfile.tmpl", "requirements.txt.tmpl"
PINNED = re.compile(r"^([\w-]+)==\$", re.MULTILINE)
"""A distribution that a template of a requirements.txt pins."""

HEAD = "# The packages of the function, with the versions that its model was published with.\n"


def complete(function: Function, backend: str, manifest: Manifest, instances: Sequence[dict[str, Any]]) -> list[Path]:
    """Write requirements.txt and the events that are missing, and return their paths. Nothing is overwritten.

    For a backend with a Dockerfile of its own, that too, but only beside the requirements that it needs.
    backend: the one that serves the version. instances: two examples as requests have them.
    """
    root = function.folder.parent.parent
    requirements = function.folder / "requirements.txt"
    own = TEMPLATES / backend / DOCKERFILE
    wanted = {requirements: _requirements(backend, manifest)}
    if own.is_file() and not requirements.exists():
        wanted[function.folder / own.stem] = Template(own.read_text(encoding="utf-8")).substitute(
            name=function.name, folder=function.folder.name
        )
    if len(instances) > 1:
        first, second = instances[0], instances[1]
        sample = {"first": first, "second": second, "invalid": _invalid(first, manifest)}
        for name, event in events(function.name, sample).items():
            text = json.dumps(event, ensure_ascii=False, indent=2) + "\n"
            wanted[root / "events" / function.folder.name / f"{name}.json"] = text
    missing = {path: text for path, text in wanted.items() if not path.exists()}
    for path, text in missing.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(missing)


def _requirements(backend: str, manifest: Manifest) -> str:
    """Return what the version needs; beside a Dockerfile that installs only what is listed, all packages."""
    folder = TEMPLATES / backend
    names = (
        PINNED.findall((folder / REQUIREMENTS).read_text(encoding="utf-8")) if (folder / DOCKERFILE).is_file() else []
    )
    needed = dict.fromkeys(names, "") | needed_by(backend, manifest)
    pins = {name: known or _installed(name) for name, known in needed.items()}
    lines = [f"{name}=={known}" if known else name for name, known in sorted(pins.items())]
    return HEAD + "\n".join([f"modelet[{backend}]", *lines]) + "\n"


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _invalid(instance: dict[str, Any], manifest: Manifest) -> dict[str, Any]:
    """Return an instance whose first field has a value that its column rejects."""
    column = manifest.columns[0]
    return {**instance, column.name: 5 if column.type == "string" else "not a value"}
