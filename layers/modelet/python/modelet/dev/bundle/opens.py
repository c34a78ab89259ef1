"""Check that a function can open the pinned version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.backends import AUTO, BACKENDS, DEFAULT, of_file
from modelet.errors import CommandError
from modelet.store.manifest import Manifest

if TYPE_CHECKING:
    from modelet.backends import Backend
    from modelet.bundle import Bundle
    from modelet.dev.project.project import Function

TEXTS = "modelet.backends.texts."


def check_opens(function: Function, manifest: Manifest, model_class: type[Any] | None) -> None:
    """Raise CommandError if the function's class, or its backend without a class, cannot open the version's main file.

    A class with its own `load` may open any file.
    """
    if function.spec.backend == AUTO:
        if model_class is not None:
            raise CommandError(
                f"functions/{function.folder.name}/model.yaml has backend: {AUTO}, but the class in app.py belongs to "
                f"one backend: name it there, one of {', '.join(BACKENDS)}"
            )
        return
    _check_task(function, manifest, model_class)
    if manifest.models:
        _check_several(function, manifest, model_class)
        return
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


def _check_several(function: Function, manifest: Manifest, model_class: type[Any] | None) -> None:
    """Raise CommandError if a class opens one model only of a version that has several."""
    if model_class is None or _whose(model_class.load.__module__) is None:
        return
    raise CommandError(
        f"functions/{function.folder.name}/app.py has {model_class.__name__}, which opens one model, but version "
        f"{manifest.version} has {', '.join(manifest.models or ())}: use modelet.backends.several.GenericModel"
    )


def _check_task(function: Function, manifest: Manifest, model_class: type[Any] | None) -> None:
    """Raise CommandError if a class of texts would serve a version of another task, or of no model of texts."""
    if model_class is None or not any(each.__module__.startswith(TEXTS) for each in model_class.__mro__):
        return
    served, task = model_class.task, manifest.model_info.get("task", "not named")
    if served and served != task:
        name = function.folder.name
        raise CommandError(
            f"functions/{name}/app.py has {model_class.__name__}, which serves {served}, but the task of version "
            f"{manifest.version} is {task}: use the class of that task (docs/texts.md), or run `modelet publish "
            f"{function.name}` and `modelet pin {function.name}` with a model of this one"
        )


def backend_of(function: Function, manifest: Manifest) -> str:
    """Return the backend that serves a version: that of model.yaml, or for `backend: auto` that of its main file."""
    if function.spec.backend != AUTO:
        return function.spec.backend
    opened = of_file(manifest.model_data)
    return opened.name if opened else DEFAULT


def served_spec(function: Function, bundle: Bundle) -> dict[str, Any]:
    """Return the spec that a function's bundle must have, with the backend of the pinned version."""
    backend = backend_of(function, Manifest.parse(bundle.manifest.encode()))
    return function.spec.model_dump(mode="json") | {"backend": backend}


def _whose(module: str) -> Backend | None:
    """Return the backend that a module belongs to, or None for the author's own module."""
    return next((record for record in BACKENDS.values() if record.model.startswith(f"{module}:")), None)
