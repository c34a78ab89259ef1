"""Whether what serves a function can open the pinned version at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.backends import BACKENDS
from modelet.errors import CommandError

if TYPE_CHECKING:
    from modelet.backends import Backend
    from modelet.dev.project.project import Function
    from modelet.store.manifest import Manifest


def check_opens(function: Function, manifest: Manifest, model_class: type[Any] | None) -> None:
    """Refuse a version whose main file is not what the function's class, or its backend without one, opens.

    Raises CommandError with the remedy. A class with a `load` of its own opens what it likes.
    """
    backend = function.spec.backend
    opened = BACKENDS[backend] if model_class is None else _whose(model_class.load.__module__)
    if opened is None or manifest.model_data.endswith(opened.ending):
        return
    name = function.folder.name
    said = f"model.yaml says backend: {backend}" if model_class is None else f"app.py has {model_class.__name__}"
    cure = "change backend" if model_class is None else "start from another backend's class"
    raise CommandError(
        f"functions/{name}/{said}, which does not open {manifest.model_data} of version {manifest.version}: {cure}, or "
        f"`modelet publish {function.name}` and `modelet pin {function.name}`"
    )


def _whose(module: str) -> Backend | None:
    """The backend whose class is of a module; None for an author's own."""
    return next((record for record in BACKENDS.values() if record.model.startswith(f"{module}:")), None)
