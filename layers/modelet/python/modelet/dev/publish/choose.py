"""Choose the backend of a version: the function's own, or for `backend: auto` the first that serves it exactly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelet.backends import AUTO, BACKENDS
from modelet.dev.publish.boosting.libraries import LIBRARIES, library_of
from modelet.dev.publish.package import package
from modelet.errors import PublishError

if TYPE_CHECKING:
    from modelet.dev.progress import Progress
    from modelet.dev.project.project import Function
    from modelet.dev.publish.draft import Package
    from modelet.dev.publish.source.trained import Trained

REMEDY = re.compile(r"[:,;]? *(?:change that, +)?(?:or +)?set backend: \w+ in model\.yaml(?:\. .*|\.)?")
"""The part of an error that names another backend, which is tried anyway, and what both cost."""


def packaged(function: Function, trained: Trained, progress: Progress) -> Package:
    """Package a trained model with the function's backend, or with the first one that serves it exactly.

    The manifest records the backend, and why those before it do not serve the model. Raises PublishError and its
    subclasses; if no backend serves the model, the error has the reason of each.
    """
    if function.spec.backend != AUTO:
        return package(function, trained, progress)
    if function.has_app:
        raise PublishError(
            f"functions/{function.folder.name}/model.yaml has backend: {AUTO}, but the class in app.py belongs to one "
            f"backend: name it there, one of {', '.join(BACKENDS)}"
        )
    refused: dict[str, str] = {}
    own = library_of(trained.estimator)
    for name, record in BACKENDS.items():
        if not record.ending or (name in LIBRARIES and name != own):
            continue  # a class without a framework; files of a library for gradient boosting have only its own models
        try:
            found = package(function.with_backend(name), trained, progress)
        except PublishError as error:
            refused[name] = _reason(function, error)
            progress.step(f"backend {name} does not serve the model: {refused[name]}")
            continue
        progress.step(f"backend: {name} ({record.summary})")
        chosen = {"backend": name} | ({"backend_reason": refused} if refused else {})
        return found.with_info(chosen)
    if len(set(refused.values())) == 1:
        raise PublishError(f"{function.name}: {next(iter(refused.values()))}")
    reasons = "".join(f"\n  {name}: {reason}" for name, reason in refused.items())
    raise PublishError(f"{function.name}: no backend serves the model exactly: change what one of them names{reasons}")


def _reason(function: Function, error: PublishError) -> str:
    """Return the first line of an error, without the model's name, the advice to set another backend, and costs."""
    first = str(error).partition("\n")[0].removeprefix(f"{function.name}: ")
    return REMEDY.sub("", first).strip()
