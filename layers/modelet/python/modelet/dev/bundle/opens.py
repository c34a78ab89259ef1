"""Check that a function can open the pinned version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.backends import BACKENDS
from modelet.errors import CommandError

if TYPE_CHECKING:
    from modelet.backends import Backend
    from modelet.dev.project.project import Function
    from modelet.store.manifest import Manifest


def check_opens(function: Function, manifest: Manifest, model_class: type[Any] | None) -> None:
    """Raise CommandError if the function's class, or its backend without a class, cannot open the version's main file.

    A class with its own `load` may open any file.
    """
    backend = function.spec.backend
    opened = BACKENDS[backend] if model_class is None else _whose(model_class.load.__module__)
    if opened is None or manifest.model_data.endswith(opened.ending):
        return
    name = function.folder.name
    said = f"model.yaml has backend: {backend}" if model_class is None else f"app.py has {model_class.__name__}"
    cure = "change backend" if model_class is None else "use another backend's class"
    raise CommandError(
        f"functions/{name}/{said}, which cannot open {manifest.model_data} of version {manifest.version}: {cure}, or "
        f"run `modelet publish {function.name}` and `modelet pin {function.name}`"
    )


def _whose(module: str) -> Backend | None:
    """Return the backend that a module belongs to, or None for the author's own module."""
    return next((record for record in BACKENDS.values() if record.model.startswith(f"{module}:")), None)
