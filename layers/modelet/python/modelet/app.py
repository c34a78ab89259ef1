"""The entry point of every model function: start downloading the files, then import the author's code.

A folder without an app.py serves the pinned version with its backend alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from modelet.bundle import AUTHORS_HANDLER
from modelet.settings import Settings
from modelet.startup.version import open_early

if TYPE_CHECKING:
    from modelet.handler import ModelHandler


def _handler() -> ModelHandler:
    settings = Settings.from_environ()
    bundle = open_early(settings)
    if bundle.handler == AUTHORS_HANDLER:
        handler: ModelHandler = import_module("app").handler
        return handler
    from modelet.handler import ModelHandler  # noqa: PLC0415 - imported while the files download

    return ModelHandler(settings=settings)


handler = _handler()
