"""Modelet turns a trained model into a serverless HTTPS API: one folder, one class, one command.

These are the public names, which an author's `app.py` imports. Each is imported on first access, so a function pays
only for what it uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelet.errors import ModeletError as ModeletError
    from modelet.errors import RequestError as RequestError
    from modelet.handler import ModelHandler as ModelHandler
    from modelet.model import Model as Model
    from modelet.predictors.answers import Response as Response
    from modelet.store.artifacts import Artifacts as Artifacts

_MODULES = {
    "Artifacts": "modelet.store.artifacts",
    "Model": "modelet.model",
    "ModelHandler": "modelet.handler",
    "ModeletError": "modelet.errors",
    "RequestError": "modelet.errors",
    "Response": "modelet.predictors.answers",
}

__all__ = ["Artifacts", "Model", "ModelHandler", "ModeletError", "RequestError", "Response"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module 'modelet' has no attribute {name!r}")
        import importlib  # noqa: PLC0415 - not needed until a name is accessed

        value = getattr(importlib.import_module(_MODULES[name]), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return __all__
